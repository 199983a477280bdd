import type { Request, Response as Answer } from 'express'
import { PATHS } from '../../contract.js'
import { FerryError } from '../../errors.js'
import { finalOf, PARTIAL, piecesOf } from '../../intake/concat.js'
import type { Intake } from '../../intake/intake.js'
import type { Links } from '../links.js'

/** In every answer of a tus server. */
export const RESUMABLE = { 'Tus-Resumable': '1.0.0' }
const HEADER = 'upload-concat'
const PIECE = new RegExp(`^${PATHS.tus}/([0-9a-f]{32})/?$`)

/**
 * What a creation declares by `Upload-Concat` (tus 1.0, concatenation); URLs may be relative or absolute. The
 * size in bytes is a final one's, whose pieces tell it. Throws `bad-request`, and where a piece can't be
 * joined, `not-found` or `gone`.
 */
export function declaredConcat(
  req: Request,
  res: Answer,
  intake: Intake,
): { concat: string; size?: number } | undefined {
  const value = req.get(HEADER)
  if (value === undefined || req.method !== 'POST') return undefined
  if (value === PARTIAL) return { concat: PARTIAL }
  res.set(RESUMABLE) // for an error; the library has its own words
  const urls = /^final;\s*(\S+(?: +\S+)*) *$/.exec(value)?.[1]?.split(/ +/)
  if (!urls)
    throw new FerryError(
      'bad-request',
      'Upload-Concat must be "partial", or "final;" and the URLs of the uploads to join, with spaces between',
    )
  const ids = urls.map(pieceAt)
  const size = intake.sizeOfJoined(ids)
  for (const name of Object.keys(RESUMABLE)) res.removeHeader(name)
  return { concat: finalOf(ids), size }
}

/** A final upload's request as the library takes it: with the length that it must not have, and without a body. */
export function withLength({ headers }: { headers: Headers }, size: number): void {
  headers.set('upload-length', String(size))
  for (const name of ['upload-defer-length', 'content-type']) headers.delete(name)
}

function pieceAt(url: string): string {
  const path = URL.canParse(url, 'http://any/') ? new URL(url, 'http://any/').pathname : ''
  const id = PIECE.exec(path)?.[1]
  if (id) return id
  throw new FerryError('bad-request', `Upload-Concat names ${url}, which is no upload of this server`)
}

/** The same as a header of an answer. */
export function concatHeader(concat: string, links: Links): string {
  const ids = piecesOf(concat)
  return ids ? `final;${ids.map((id) => links.upload(id)).join(' ')}` : concat
}

/** For so long, in milliseconds, a join is answered when it is over; and so often somebody hears that it goes on. */
export interface Patience {
  quiet: number
  breath: number
}

/**
 * Answers a join that takes long: 201 at once, and a blank now and then until it is over, so that no proxy on the way
 * gives up (they count from the last byte). A client takes the answer when all of it has come; where the join fails, the
 * connection breaks instead. Asked again it says why.
 */
export async function answerSlowly(
  res: Answer,
  headers: Record<string, string>,
  work: Promise<globalThis.Response>,
  { breath }: Patience,
): Promise<void> {
  // The last one: nginx would keep all of it to itself until the end.
  res.writeHead(201, { ...headers, 'Cache-Control': 'no-store', 'X-Accel-Buffering': 'no' })
  res.write(' ')
  const breathing = setInterval(() => res.write(' '), breath)
  try {
    const { ok } = await work
    if (ok) res.end()
    else res.destroy()
  } catch {
    res.destroy()
  } finally {
    clearInterval(breathing)
  }
}

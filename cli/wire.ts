import { parseSha256, type UploadingReply } from '../src/contract.js'
import type { Reply } from './reply.js'

/**
 * What the server knows of our content; an `ErrorReply` has become an error. `sha256`: the one that was declared, from a
 * server that compares it; or the content's, where it is known. `signed`: a link that opens a closed file.
 */
export type Standing =
  | { status: 'exists'; url: string; sha256?: string; signed?: string }
  | { status: 'notfound'; sha256?: string }
  | UploadingReply

/** The standing that an answer tells of, undefined where it is something else. */
export function parseStanding({ json }: Reply): Standing | undefined {
  return asStanding(json)
}

/** So many standings, or undefined. */
export function parseStandings({ json }: Reply, count: number): Standing[] | undefined {
  const answers: unknown = json?.['answers']
  if (!Array.isArray(answers)) return undefined
  const standings = answers.map((answer) => asStanding(answer as Reply['json']))
  return standings.length === count && standings.every((standing) => standing !== undefined)
    ? standings
    : undefined
}

function asStanding(json: Reply['json']): Standing | undefined {
  const { status, url, signed, offset, size, resumable, retryAfter } = json ?? {}
  const sha256 = parseSha256(json?.['sha256'])
  const told = sha256 && { sha256 }
  if (status === 'exists' && typeof url === 'string')
    return { status, url, ...told, ...(typeof signed === 'string' && { signed }) }
  if (status === 'notfound') return { status, ...told }
  if (status !== 'uploading') return undefined
  return {
    status,
    ...told,
    ...(isCount(offset) && { offset }),
    ...(isCount(size) && { size }),
    ...(resumable === true && { resumable }),
    ...(isCount(retryAfter) && { retryAfter }),
  }
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0
}

/** tus 1.0, Upload-Metadata: `key base64,key base64`. */
export function encodeMetadata(pairs: Record<string, string>): string {
  return Object.entries(pairs)
    .map(([key, value]) => `${key} ${Buffer.from(value).toString('base64')}`)
    .join(',')
}

/** Where a server sends us; undefined where that is nowhere on the web. */
export function webAddress(location: string, base: string): URL | undefined {
  const url = URL.canParse(location, base) ? new URL(location, base) : undefined
  return url && /^https?:$/.test(url.protocol) ? url : undefined
}

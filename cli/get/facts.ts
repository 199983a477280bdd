import type { IncomingHttpHeaders, IncomingMessage } from 'node:http'
import { ClientError } from '../errors.js'
import type { Range } from '../../src/spread/ranges.js'

/** What a server says of a content. */
export interface Facts {
  /** Bytes. */
  size: number
  etag: string | undefined
  /** `Content-Disposition`, unread. */
  disposition: string | undefined
  /** Whether it says that it serves ranges. */
  hasRanges: boolean
}

/** The address leads to another content than before. */
export class Replaced extends Error {
  override readonly name = 'Replaced'
}

/** The facts in the headers of an answer; undefined where they do not say the size. */
export function factsIn(headers: IncomingHttpHeaders): Facts | undefined {
  const length = headers['content-length'] ?? ''
  const size = /^\d+$/.test(length) ? Number(length) : NaN
  if (!Number.isSafeInteger(size)) return undefined
  return {
    size,
    etag: headers.etag,
    disposition: headers['content-disposition'],
    hasRanges: headers['accept-ranges'] === 'bytes',
  }
}

/** The ETag that If-Range may carry: a weak one never matches there (RFC 9110 13.1.5). */
export function strongEtag({ etag }: Facts): string | undefined {
  return etag?.startsWith('"') ? etag : undefined
}

/** Whether what `now` is about is the content that `before` was about, as far as they can tell. */
export function isSameContent(
  before: Pick<Facts, 'size' | 'etag'>,
  now: Pick<Facts, 'size' | 'etag'>,
): boolean {
  return before.size === now.size && isSameEtag(before.etag, now.etag)
}

/** Proxies that compress weaken ETags; the opaque part tells (RFC 9110 8.8.3.2). */
function isSameEtag(before: string | undefined, now: string | undefined): boolean {
  return before === undefined || now === undefined || before.replace(/^W\//, '') === now.replace(/^W\//, '')
}

/**
 * Where the body of a 200 or 206 begins in the content. Throws `Replaced` where it is of another content, and
 * `line-down` where it is none: a login page in between (a hotel's WLAN) must not pass for the file.
 */
export function checkedStart(response: IncomingMessage, range: Range, facts: Facts): number {
  const { statusCode: status = 0, headers } = response
  const sent = status === 206 ? contentRange(headers['content-range']) : wholeOf(headers)
  const isStranger = facts.etag !== undefined && headers.etag === undefined
  if (!sent || isStranger) throw new ClientError('line-down', { reason: `HTTP ${status}` })
  if (!isSameContent(facts, { size: sent.size, etag: headers.etag })) throw new Replaced()
  if (sent.start > range.start) throw new ClientError('line-down', { reason: `HTTP ${status}` })
  return sent.start
}

interface Sent {
  start: number
  size: number
}

/** RFC 9110 14.4. */
function contentRange(header: string | undefined): Sent | undefined {
  const [, start, size] = /^bytes (\d+)-\d+\/(\d+)$/i.exec(header ?? '') ?? []
  return start === undefined ? undefined : { start: Number(start), size: Number(size) }
}

function wholeOf(headers: IncomingHttpHeaders): Sent | undefined {
  const facts = factsIn(headers)
  return facts && { start: 0, size: facts.size }
}

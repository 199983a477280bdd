import { HEADERS, TUS_MISMATCH } from '../src/contract.js'
import { parseAhead } from '../src/spread/ahead.js'
import type { Range } from '../src/spread/ranges.js'
import { ClientError, type ErrorCode } from './errors.js'
import { parseRetryAfter } from './retry.js'

/** What matters of an HTTP answer. */
export interface Reply {
  status: number
  location: string | undefined
  /** `Upload-Offset`, in bytes. */
  offset: number | undefined
  /** What of an upload is there ahead of its offset, in bytes; undefined where the server takes no pieces of it. */
  ahead: Range[] | undefined
  retryAfterMs: number | undefined
  /** A tus server has answered, and no proxy before it. */
  isTus: boolean
  body: string
  /** The body, where it is a JSON object. */
  json: Record<string, unknown> | undefined
}

/** An answer from its parts; `header` looks up a response header. */
export function asReply(status: number, header: (name: string) => string | undefined, body: string): Reply {
  const retryAfterMs = parseRetryAfter(header('retry-after'))
  const offset = parseOffset(header('upload-offset'))
  const isTus = header('tus-resumable') !== undefined
  const json = parseObject(body)
  const ahead = parseAhead(header(HEADERS.ahead))
  return { status, location: header('location'), offset, ahead, retryAfterMs, isTus, body, json }
}

function parseOffset(text: string | undefined): number | undefined {
  const offset = /^\d{1,16}$/.test(text ?? '') ? Number(text) : undefined
  return Number.isSafeInteger(offset) ? offset : undefined
}

function parseObject(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined
  } catch {
    return undefined
  }
}

const PROBLEMS: Record<number, ErrorCode> = {
  404: 'upload-gone',
  408: 'server-trouble',
  409: 'server-trouble',
  410: 'upload-gone',
  413: 'too-large',
  423: 'server-trouble',
  429: 'server-trouble',
  507: 'disk-full',
  [TUS_MISMATCH]: 'mismatch',
}

/** The error that an answer means which is no success, with the server's own words. */
export function problemOf(reply: Reply): ClientError {
  const { status, retryAfterMs } = reply
  const code = codeOf(reply)
  return new ClientError(code, { status, reason: wordsOf(reply) }, { retryAfterMs })
}

function codeOf({ status, isTus, json }: Reply): ErrorCode {
  // Our server refuses a file for its size; a proxy refuses the request's.
  if (status === 413 && !isTus && json?.['status'] !== 'error') return 'body-limit'
  if (json?.['code'] === 'collision') return 'collision'
  return PROBLEMS[status] ?? (status >= 500 ? 'server-trouble' : 'refused')
}

/** The message of an error reply, or the beginning of a plain text; an HTML page has nothing to say in a line. */
function wordsOf({ json, body }: Reply): string {
  const words = json ? json['message'] : /^\s*</.test(body) ? '' : body.trim()
  return typeof words === 'string' ? words.slice(0, 300) : ''
}

import type { Response } from 'express'
import type { ErrorReply } from '../contract.js'
import { TUS_MISMATCH } from '../contract.js'
import { FerryError, type ErrorCode } from '../errors.js'

/** The one table from code to status. A second number is the tus door's, where the protocol demands its own. */
const STATUS: Record<ErrorCode, number | { json: number; tus: number }> = {
  'bad-request': 400,
  'bad-md5': 400,
  'bad-sha256': 400,
  'missing-field': 400,
  'bad-form': 400,
  'not-found': 404,
  gone: 410,
  uploading: { json: 200, tus: 423 },
  'offset-conflict': 409,
  'already-finished': 403,
  'too-large': 413,
  'too-many': 429,
  'too-many-connections': 503, // every client comes again after that
  'too-slow': 408,
  'header-too-large': 431,
  'unsupported-encoding': 415,
  'md5-mismatch': { json: 422, tus: TUS_MISMATCH },
  collision: 409,
  'disk-full': 507,
  'io-failed': 503,
  'sync-failed': 503,
  'hash-pending': 503,
  unauthorized: 401,
  'wrong-link': 403,
  'link-expired': 403,
  'wrong-host': 421,
  'wrong-origin': 403,
}

/** The status that an error has at a door. */
export function statusOf(error: FerryError, door: 'json' | 'tus'): number {
  const status = STATUS[error.code]
  return typeof status === 'number' ? status : status[door]
}

/** The JSON that stands for an error at every door. */
export function errorReply(error: FerryError): ErrorReply | { status: 'uploading' } {
  if (error.code !== 'uploading') {
    return { status: 'error', code: error.code, message: error.message, ...error.details }
  }
  return {
    status: 'uploading',
    ...error.details,
    ...(error.retryAfter ? { retryAfter: error.retryAfter } : {}),
  }
}

/** An answer of JSON, for who writes it himself. */
export function asJson(body: object): { headers: Record<string, string>; body: string } {
  return { headers: { 'Content-Type': 'application/json; charset=utf-8' }, body: JSON.stringify(body) }
}

/** Answers with JSON, past what Express looks at first (charset, freshness, its own settings): /check lives on it. */
export function sendJson(res: Response, reply: object): void {
  const { headers, body } = asJson(reply)
  res.setHeader('Content-Type', headers['Content-Type']!)
  res.setHeader('Content-Length', Buffer.byteLength(body))
  res.end(body)
}

/** Headers that go with an error, whatever the door. */
export function errorHeaders(error: FerryError): Record<string, string> {
  return error.retryAfter === undefined ? {} : { 'Retry-After': String(error.retryAfter) }
}

/** Whatever was thrown as a FerryError: what is none is our fault, and its text stays in the log. */
export function asFerryError(error: unknown): FerryError {
  if (error instanceof FerryError) return error
  return new FerryError('io-failed', 'something went wrong in the server; the log says what', {
    cause: error,
  })
}

/** Answers a request whose body has been read with an error. */
export function sendError(res: Response, error: FerryError): void {
  res.status(statusOf(error, 'json')).set(errorHeaders(error)).json(errorReply(error))
}

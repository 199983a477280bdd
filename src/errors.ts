/** What can go wrong, as a stable code. `http/errors.ts` alone knows which status a code becomes. */
export type ErrorCode =
  | 'bad-request'
  | 'bad-md5'
  | 'bad-sha256'
  | 'missing-field'
  | 'bad-form'
  | 'not-found'
  | 'gone'
  | 'uploading'
  | 'offset-conflict'
  | 'already-finished'
  | 'too-large'
  | 'too-many'
  | 'too-many-connections'
  | 'too-slow'
  | 'header-too-large'
  | 'unsupported-encoding'
  | 'md5-mismatch'
  | 'collision'
  | 'disk-full'
  | 'io-failed'
  | 'sync-failed'
  | 'hash-pending'
  | 'unauthorized'
  | 'wrong-link'
  | 'link-expired'
  | 'wrong-host'
  | 'wrong-origin'

/** An error that its receiver can act on: a code for programs, a message for people, the cause for the log. */
export class FerryError extends Error {
  override readonly name = 'FerryError'
  /** Seconds after which trying again makes sense. */
  readonly retryAfter: number | undefined
  /** Fields of the JSON answer beside code and message. */
  readonly details: Readonly<Record<string, unknown>>

  constructor(
    readonly code: ErrorCode,
    message: string,
    options: { cause?: unknown; retryAfter?: number; details?: Record<string, unknown> } = {},
  ) {
    super(message, { cause: options.cause })
    this.retryAfter = options.retryAfter
    this.details = options.details ?? {}
  }
}

/** True for a system error with one of these codes (`ENOENT`, `EEXIST`, …). */
export function isErrno(error: unknown, ...codes: string[]): error is NodeJS.ErrnoException {
  return error instanceof Error && 'code' in error && codes.includes(String(error.code))
}

const FULL = ['ENOSPC', 'EDQUOT', 'SQLITE_FULL']

/**
 * What a failed fsync becomes: nobody may try it again, since a second one may report a success that isn't one. A
 * FerryError passes through unchanged: it came before the fsync.
 */
export function syncError(cause: unknown): FerryError {
  if (cause instanceof FerryError) return cause
  return new FerryError('sync-failed', 'the server could not keep the data on its disk; upload it again', {
    cause,
  })
}

/**
 * The FerryError that trouble with the disk or the ledger becomes: no room is `disk-full`, anything else `io-failed`.
 * A FerryError passes through unchanged.
 */
export function diskError(error: unknown, doing: string): FerryError {
  if (error instanceof FerryError) return error
  if (isErrno(error, ...FULL)) {
    return new FerryError('disk-full', `the disk is full (${doing}); free some space and try again`, {
      cause: error,
    })
  }
  return new FerryError(
    'io-failed',
    `the server's disk failed (${doing}); nothing was acknowledged, try again`,
    {
      cause: error,
      retryAfter: 5,
    },
  )
}

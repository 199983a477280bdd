/** What can end a run badly, and with which exit code: the only table of exit codes. 0 is stored, or there already. */
export const EXIT_CODES = {
  'no-file-given': 2,
  'unknown-option': 2,
  'value-missing': 2,
  'unexpected-argument': 2,
  'bad-server': 2,
  'bad-duration': 2,
  'bad-usage': 2,
  'bad-proxy': 2,
  'bad-ca': 2,
  'bad-token': 2,

  'file-missing': 1,
  'file-unreadable': 1,
  'not-a-file': 1,
  'file-unwritable': 1,

  'host-unknown': 1,
  'not-ferry': 1,
  untrusted: 1,
  'not-allowed': 1,
  'no-expiry': 1,
  'proxy-refuses': 1,
  redirected: 1,
  refused: 1,
  'too-large': 1,
  'body-limit': 1,
  'not-stored': 1,
  unconfirmed: 1,
  'line-down': 1,
  stalled: 1,
  'server-trouble': 1,
  'disk-full': 1,
  'upload-gone': 1,
  'pipe-lost': 1,
  'gave-up': 1,
  unexpected: 1,

  'uploading-elsewhere': 3,

  'file-changed': 4,
  mismatch: 4,
  collision: 4,
  'no-sha256': 4,

  'unknown-content': 5,

  interrupted: 130,
  terminated: 143,

  'bad-source': 2,
  'bad-manifest': 2,
  'unsafe-path': 1,
  'not-there': 1,
  'name-taken': 1,
  unwritable: 1,
  'getting-elsewhere': 3,
  'wrong-content': 4,
} as const

export type ErrorCode = keyof typeof EXIT_CODES

/** What a message about an error may mention. Texts may come from a server: only the console prints them, cleaned. */
export interface Facts {
  /** The path, address, option or value that the error is about. */
  subject?: string
  /** A system's error code or a server's own words. */
  reason?: string
  /** HTTP status. */
  status?: number
  /** Bytes. */
  offset?: number
  /** Bytes. */
  size?: number
}

interface Extras extends ErrorOptions {
  /** How long the server asked us to wait. */
  retryAfterMs?: number | undefined
}

/** Every error that the client foresees: a code for the machine, facts for the message. */
export class ClientError extends Error {
  readonly code: ErrorCode
  readonly facts: Facts
  readonly retryAfterMs: number

  constructor(code: ErrorCode, facts: Facts = {}, { retryAfterMs, ...options }: Extras = {}) {
    super(`${code} ${JSON.stringify(facts)}`, options)
    this.name = 'ClientError'
    this.code = code
    this.facts = facts
    this.retryAfterMs = retryAfterMs ?? 0
  }
}

const MENDED_BY_TIME = new Set<ErrorCode>([
  'line-down',
  'stalled',
  'server-trouble',
  'disk-full',
  'upload-gone',
  'unconfirmed',
])

/** True where a later attempt may succeed. */
export function isMendedByTime(error: unknown): error is ClientError {
  return error instanceof ClientError && MENDED_BY_TIME.has(error.code)
}

/** Any thrown value as an error with a code; what nobody foresaw is `unexpected`. */
export function asClientError(error: unknown): ClientError {
  if (error instanceof ClientError) return error
  const reason = error instanceof Error ? error.message : String(error)
  return new ClientError('unexpected', { reason }, { cause: error })
}

/** The code of a system error (`ENOENT`), looked for along its causes, or undefined. */
export function systemCodeOf(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined
  const code: unknown = 'code' in error ? error.code : undefined
  return typeof code === 'string' ? code : systemCodeOf(error.cause)
}

import type { Failure, Trouble } from './card.js'

/**
 * Why something did not work. Besides what a card shows: `gone`, the upload is not there any more; `elsewhere`, somebody
 * else is sending this content; `body-limit`, a proxy refuses requests that large; `token`, the server asks for one.
 */
export type Kind = Trouble | Failure | 'gone' | 'elsewhere' | 'body-limit' | 'token'

/** What a timer takes; a longer one would go off at once. */
const LONGEST_MS = 2 ** 31 - 1

/** An error that says what may be done about it. */
export class Problem extends Error {
  override readonly name = 'Problem'

  constructor(
    readonly kind: Kind,
    /** The server's or the browser's own words. */
    readonly detail = '',
    /** What the server asks to wait, in milliseconds. */
    readonly retryAfterMs = 0,
    /** The code of the server's error; undefined where it is somebody else's. */
    readonly code?: string | undefined,
  ) {
    super(`${kind} ${detail}`.trim())
  }
}

export function isProblem<K extends Kind>(error: unknown, ...kinds: K[]): error is Problem & { kind: K } {
  return error instanceof Problem && kinds.some((kind) => kind === error.kind)
}

/** An answer, as far as it says what went wrong. */
export interface Refused {
  readonly status: number
  readonly header: (name: string) => string | null
  readonly body: string
}

/** What an answer that is no success means, for whoever has to go on. */
export function problemOf({ status, header, body }: Refused): Problem {
  const { code, message } = errorIn(body)
  const retryAfter = Number(header('Retry-After')) * 1000 || 0
  const bounded = Math.min(Math.max(0, retryAfter), LONGEST_MS)
  return new Problem(kindOf(status, code), message ?? `HTTP ${status}`, bounded, code)
}

function kindOf(status: number, code: string | undefined): Kind {
  if (status === 401) return 'token'
  // One that is finished is nobody's any more, and what it has brought stays.
  if (status === 404 || status === 410 || code === 'already-finished') return 'gone'
  if (status === 413) return code === 'too-large' ? 'too-large' : 'body-limit'
  if (code === 'uploading') return 'elsewhere'
  if (status === 460 || status === 422) return 'mismatch'
  if (status === 507) return 'disk-full'
  // Another request of ours may still have the upload; a moment later its offset is another, or it is free.
  if ([408, 409, 423, 425, 429].includes(status) || status >= 500) return 'busy'
  return 'refused'
}

function errorIn(body: string): { code?: string; message?: string } {
  try {
    const { status, code, message } = JSON.parse(body) as Record<string, unknown>
    if (status === 'uploading') return { code: 'uploading' }
    return { code: String(code), message: String(message) }
  } catch {
    return {}
  }
}

import { setTimeout as sleep } from 'node:timers/promises'

/** What a timer takes; a longer one would go off at once. */
const LONGEST_MS = 2 ** 31 - 1
const PAUSES_MS = [200, 500, 1000, 2000, 5000, 10_000]

/** How long to wait before the next attempt, and when to stop trying. */
export class Patience {
  readonly #retryForMs: number
  readonly #now: () => number
  #stuckSince: number | undefined
  #failures = 0

  /** `retryForMs` counts from the first failure after the last progress; `now` is a monotonic clock in ms. */
  constructor(retryForMs: number, now: () => number = () => performance.now()) {
    this.#retryForMs = retryForMs
    this.#now = now
  }

  /** True where even the first failure is the last. */
  get isNone(): boolean {
    return this.#retryForMs === 0
  }

  /** The server has confirmed new bytes: the line works, all patience is back. */
  progressed(): void {
    this.#stuckSince = undefined
    this.#failures = 0
  }

  /**
   * The pause (ms) before the next attempt: longer after each failure, a little random so that many clients do not
   * come back at once, and at least what the server asked for. Undefined when the time is up.
   */
  pauseAfterFailure(askedMs = 0): number | undefined {
    this.#stuckSince ??= this.#now()
    const left = this.#stuckSince + this.#retryForMs - this.#now()
    if (left <= 0) return undefined
    const own = PAUSES_MS[Math.min(this.#failures++, PAUSES_MS.length - 1)] ?? 0
    return Math.min(Math.max(own * (0.8 + 0.4 * Math.random()), askedMs), left, LONGEST_MS)
  }
}

/** Waits; throws the signal's reason if it is aborted meanwhile. */
export async function pause(ms: number, signal: AbortSignal): Promise<void> {
  try {
    await sleep(ms, undefined, { signal })
  } catch (error) {
    throw signal.aborted ? signal.reason : error
  }
}

/** The milliseconds a `Retry-After` asks for: seconds or a date (RFC 9110 10.2.3); undefined where it says nothing. */
export function parseRetryAfter(value: string | null | undefined, now = Date.now()): number | undefined {
  if (!value) return undefined
  const ms = /^\d+$/.test(value) ? Number(value) * 1000 : Date.parse(value) - now
  return Number.isNaN(ms) ? undefined : Math.min(Math.max(0, ms), LONGEST_MS)
}

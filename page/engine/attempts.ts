import type { Signal } from '@preact/signals'
import type { Step, Trouble } from './card.js'
import { isProblem } from './problem.js'

const PAUSES_MS = [500, 1000, 2000, 5000, 10_000]
/** However long the server asks to wait: a browser's timer ends at once above 24 days. */
const LONGEST_MS = 24 * 3_600_000
const TROUBLES: readonly Trouble[] = ['unreachable', 'silent', 'busy', 'disk-full']

/** Tries again what time may mend, for as long as the visitor lets it; the card says why, and when. */
export class Attempts {
  readonly #step: Signal<Step>
  #failures = 0
  readonly #pauses = new Set<() => void>()

  constructor(step: Signal<Step>) {
    this.#step = step
  }

  /** New bytes are on the server: the line works. */
  progressed(): void {
    this.#failures = 0
  }

  /** Ends every pause: a file may be sent and declared at once. */
  hurry(): void {
    for (const end of this.#pauses) end()
  }

  /** The result of the action, at last. Throws what time does not mend, or the signal's reason. */
  async until<T>(action: () => Promise<T>, signal: AbortSignal): Promise<T> {
    for (;;) {
      try {
        return await action()
      } catch (error) {
        signal.throwIfAborted()
        if (!isProblem(error, ...TROUBLES)) throw error
        await this.#pause(error.kind, error.retryAfterMs, signal)
      }
    }
  }

  /** A pause, as after a failure: of what went wrong without one, so that it is not tried without end. */
  rest(signal: AbortSignal): Promise<void> {
    return this.#pause('busy', 0, signal)
  }

  /** Longer after each failure, a little random, and at least what the server asks for. */
  async #pause(why: Trouble, askedMs: number, signal: AbortSignal): Promise<void> {
    const own = PAUSES_MS[Math.min(this.#failures++, PAUSES_MS.length - 1)]! * (0.8 + 0.2 * Math.random())
    const ms = Math.min(Math.max(own, askedMs), LONGEST_MS)
    const before = this.#step.value
    const bytes = 'bytes' in before && before.at !== 'hashing' ? before.bytes : 0
    this.#step.value = { at: 'down', bytes, againAt: performance.now() + ms, why }
    await new Promise<void>((resolve, reject) => {
      const end = (): void => {
        clearTimeout(timer)
        removeEventListener('online', end)
        signal.removeEventListener('abort', end)
        this.#pauses.delete(end)
        if (signal.aborted) reject(signal.reason as Error)
        else resolve()
      }
      const timer = setTimeout(end, ms)
      addEventListener('online', end)
      signal.addEventListener('abort', end)
      this.#pauses.add(end)
    })
  }
}

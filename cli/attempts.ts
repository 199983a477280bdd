import { ClientError, isMendedByTime } from './errors.js'
import { type Messages, describe } from './messages.js'
import { Patience, pause } from './retry.js'

export interface AttemptParts {
  retryForMs: number
  retryFor: string
  warn: (line: string) => void
  messages: Messages
  signal: AbortSignal
}

/** Tries again what time may mend, as long as patience lasts; every new byte brings all of it back. */
export class Attempts {
  readonly #parts: AttemptParts
  readonly #patience: Patience

  constructor(parts: AttemptParts) {
    this.#parts = parts
    this.#patience = new Patience(parts.retryForMs)
  }

  /** True where even the first failure is the last. */
  get areNone(): boolean {
    return this.#patience.isNone
  }

  progressed(): void {
    this.#patience.progressed()
  }

  /** The result of the action, at last. Throws what time does not mend, or `gave-up`. */
  async until<T>(action: () => Promise<T>): Promise<T> {
    for (;;) {
      try {
        return await action()
      } catch (error) {
        await this.#waitOrThrow(error)
      }
    }
  }

  async #waitOrThrow(error: unknown): Promise<void> {
    const { warn, messages, retryFor, signal } = this.#parts
    if (!isMendedByTime(error) || this.areNone) throw error
    const ms = this.#patience.pauseAfterFailure(error.retryAfterMs)
    if (ms === undefined) throw new ClientError('gave-up', { subject: retryFor }, { cause: error })
    warn(messages.tryingAgain(describe(error, messages), (ms / 1000).toFixed(ms < 1000 ? 1 : 0)))
    await pause(ms, signal)
  }
}

import type { Attempts } from './attempts.js'
import type { Card, Step } from './card.js'
import { carry, type Ways } from './carry.js'
import { abortable } from './locks.js'
import { isProblem, type Problem } from './problem.js'
import { Speed } from './speed.js'

/** The card shows something new so often at most, in milliseconds. */
const SHOW_MS = 200
/** What requests are made smaller to where a proxy refuses larger ones, in bytes. */
const LIMITS = [64, 16, 4, 1, 0.25].map((mebibytes) => mebibytes * 1024 * 1024)

/** The sending of one file, over as many attempts as it takes, as its card shows it. */
export class Shipment {
  /** The upload's id, when it has one. */
  readonly opened: Promise<string>
  #onOpened: (upload: string) => void = () => undefined
  readonly #card: Card
  readonly #attempts: Attempts
  readonly #show: (step: Step) => void
  readonly #means: Ways
  readonly #speed = new Speed()
  #shownAt = -Infinity
  /** Bytes hashed meanwhile, where the file is sent before that is done. */
  #hashed: number | undefined
  #isHolding = false
  /** What the server had when it last told, in bytes; undefined before it has been asked in this visit. */
  #confirmed: number | undefined

  constructor(card: Card, attempts: Attempts, show: (step: Step) => void, means: Ways) {
    this.#card = card
    this.#attempts = attempts
    this.#show = show
    this.#means = means
    this.opened = new Promise((resolve) => (this.#onOpened = resolve))
  }

  /**
   * Resolves when the server has all of it. `open`: the upload's id. `mayEnd`: what the last bytes wait for. Throws Problems
   * that time does not mend, or the signal's reason.
   */
  async send(open: () => Promise<string>, signal: AbortSignal, mayEnd: Promise<unknown>): Promise<void> {
    const attempt = async (): Promise<boolean> => {
      const { token } = this.#means.access
      try {
        await this.#attempt(await open(), signal, mayEnd)
        return true
      } catch (error) {
        await this.#answer(error, token, signal)
        return false
      }
    }
    while (!(await this.#attempts.until(attempt, signal)));
  }

  /** The file is hashed so far, in bytes. */
  hashed(bytes: number): void {
    this.#hashed = bytes
    if (this.#isHolding) this.#show({ at: 'hashing', bytes })
  }

  /** Nothing is sent any more: the card shows how far the file is read. */
  rest(): void {
    this.#isHolding = true
    this.hashed(this.#hashed ?? 0)
  }

  async #attempt(upload: string, signal: AbortSignal, mayEnd: Promise<unknown>): Promise<void> {
    this.#onOpened(upload)
    await carry({
      file: this.#card.file,
      upload,
      ways: this.#means,
      mayEnd: async (over) => {
        this.#isHolding = true
        if (this.#hashed !== undefined) this.hashed(this.#hashed)
        await abortable(mayEnd, over).finally(() => (this.#isHolding = false))
      },
      signal,
      onBegin: (bytes) => this.#begin(bytes),
      onConfirmed: (bytes) => this.#confirm(bytes),
      onProgress: (bytes) => this.#progress(bytes),
    })
  }

  #begin(bytes: number): void {
    if (this.#confirmed === undefined) this.#card.there.value = bytes
    this.#confirm(bytes)
    this.#shownAt = -Infinity
    this.#progress(bytes)
  }

  /** The server has so many bytes. */
  #confirm(bytes: number): void {
    if (this.#confirmed !== undefined && bytes > this.#confirmed) this.#attempts.progressed()
    this.#confirmed = bytes
  }

  #progress(bytes: number): void {
    const { size } = this.#card
    const now = performance.now()
    this.#speed.add(bytes, now)
    if (this.#isHolding) return
    if (bytes >= size) return this.#show({ at: 'verifying' })
    if (now - this.#shownAt < SHOW_MS) return
    this.#shownAt = now
    const { bytesPerSecond } = this.#speed
    const secondsLeft = bytesPerSecond ? (size - bytes) / bytesPerSecond : undefined
    this.#show({
      at: 'sending',
      bytes,
      ...(bytesPerSecond !== undefined && { bytesPerSecond }),
      ...(secondsLeft !== undefined && { secondsLeft }),
    })
  }

  /** What can be done at once; throws the rest. `token`: the one that was used. */
  async #answer(error: unknown, token: string | undefined, signal: AbortSignal): Promise<void> {
    if (isProblem(error, 'token')) return this.#means.access.refused(token, signal)
    if (!isProblem(error, 'body-limit')) throw error
    this.#shrink(error)
  }

  /** Throws the problem where requests can't be any smaller. */
  #shrink(problem: Problem): void {
    const { limit } = this.#means
    const largest = Math.min(limit.bytes, this.#card.size)
    const next = LIMITS.find((bytes) => bytes < largest)
    if (next === undefined) throw problem
    limit.bytes = next
  }
}

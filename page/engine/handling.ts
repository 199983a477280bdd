import { isProblem } from './problem.js'
import type { Card, Failure } from './card.js'
import { Crossing, type Arrived, type Means } from './crossing.js'

const FAREWELL_MS = 20_000
const FAILURES: readonly Failure[] = ['unreadable', 'mismatch', 'too-large', 'no-hash', 'refused']

/** One file in the visitor's hands: it runs, rests, or is given up. */
export class Handling {
  readonly #card: Card
  readonly #onArrived: (card: Card, arrived: Arrived) => void
  #crossing: Crossing
  #stop = new AbortController()
  #run: Promise<void> = Promise.resolve()

  constructor(card: Card, means: Means, onArrived: (card: Card, arrived: Arrived) => void) {
    this.#card = card
    this.#onArrived = onArrived
    this.#crossing = new Crossing(card, means)
  }

  start(): void {
    const stop = new AbortController()
    this.#stop = stop
    this.#card.step.value = { at: 'waiting' }
    // A run that was interrupted comes to its end first.
    this.#run = this.#run.then(() => this.#cross(stop.signal))
  }

  pause(): void {
    const step = this.#card.step.value
    const bytes = 'bytes' in step && step.at !== 'hashing' ? step.bytes : this.#card.there.value
    this.#stop.abort(new DOMException('paused', 'AbortError'))
    this.#card.step.value = { at: 'paused', bytes }
  }

  /** From the beginning: the file is read again. What the server has of it stays. */
  retry(): void {
    this.#crossing = this.#crossing.again()
    this.#card.there.value = 0
    this.start()
  }

  hurry(): void {
    this.#crossing.attempts.hurry()
  }

  /** Stops, and removes what the server has of it, as far as it can be reached. */
  async giveUp(): Promise<void> {
    this.#stop.abort(new DOMException('cancelled', 'AbortError'))
    await this.#run
    await this.#crossing.drop(AbortSignal.timeout(FAREWELL_MS)).catch(() => undefined)
  }

  async #cross(signal: AbortSignal): Promise<void> {
    try {
      if (signal.aborted) return
      this.#onArrived(this.#card, await this.#crossing.run(signal))
    } catch (error) {
      if (signal.aborted) return
      const detail = isProblem(error) || error instanceof Error ? error.message : String(error)
      const known = isProblem(error, ...FAILURES)
      this.#card.step.value = known
        ? { at: 'failed', why: error.kind, detail: error.detail }
        : { at: 'failed', why: 'refused', detail }
    }
  }
}

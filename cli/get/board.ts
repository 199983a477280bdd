import { Flight } from './flight.js'
import type { Range } from '../../src/spread/ranges.js'
import { Gaps } from '../../src/spread/gaps.js'

const SECOND = 1000
/** After so many milliseconds it is known how fast a range comes; twice as long where it was taken over before. */
const KNOWN_AFTER_MS = SECOND
/** Where others have nothing to do, a range that takes longer, in seconds, is halved, and made no longer than that … */
const LONG_S = 2
/** … and a short one is taken over by who is so many times as fast, and saves so many seconds … */
const FASTER = 2
const SAVES_S = 1
/** … or any where hardly a byte comes: so many in a second. */
const CRAWLS = 1024

/** What is to be brought: what nobody has taken, and what is on its way. */
export class Board {
  readonly #todo: Gaps
  readonly #flying = new Set<Flight>()
  /** Bytes that a connection brings in a second; 0 before one has brought a range. */
  #usual = 0

  constructor(gaps: readonly Range[]) {
    this.#todo = new Gaps(gaps)
  }

  /** Whether there is something that nobody has taken. */
  get hasMore(): boolean {
    return !this.#todo.isEmpty
  }

  /** The next range, of `most` bytes at most; undefined where there is none. */
  next(most: number): Flight | undefined {
    const range = this.#todo.take(most)
    if (range) return this.#begin(range)
    const late = this.#latest()
    if (!late) return undefined
    const { secondsLeft, rest, rate } = late
    const here = (rest.end - rest.start) / this.#usual
    const isSlow = here < LONG_S && secondsLeft > FASTER * here && secondsLeft - here > SAVES_S
    if (!isSlow && secondsLeft < LONG_S) return undefined
    if (isSlow || rate < CRAWLS) return this.#begin(late.abandon(), late.takeovers + 1)
    this.#todo.giveBack(late.shorten(Math.min(LONG_S, secondsLeft / 2)))
    return this.next(most)
  }

  /** The flight has ended: what it has not brought is there for others. */
  land(flight: Flight): void {
    const { isAbandoned, rate, rest } = flight
    this.#flying.delete(flight)
    this.#todo.giveBack(rest)
    if (!isAbandoned && rest.start === rest.end) this.#usual = ((this.#usual || rate) + rate) / 2
  }

  /**
   * Gives up the connections that have been silent for so long, while others were not: `stillness` is how long nothing has
   * come at all. Milliseconds, both.
   */
  abandonSilent(patience: number, stillness: number): void {
    for (const flight of this.#flying)
      if (flight.silence >= patience && stillness < flight.silence / 2) this.#todo.giveBack(flight.abandon())
  }

  #begin(range: Range, takeovers = 0): Flight {
    const flight = new Flight(range, takeovers)
    this.#flying.add(flight)
    return flight
  }

  /** The one whose rest will take longest. */
  #latest(): Flight | undefined {
    return [...this.#flying]
      .filter(({ isAbandoned, age, takeovers }) => !isAbandoned && age > KNOWN_AFTER_MS * 2 ** takeovers)
      .toSorted((one, other) => other.secondsLeft - one.secondsLeft)[0]
  }
}

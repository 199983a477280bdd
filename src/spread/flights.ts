import type { Range, Ranges } from './ranges.js'

/** What is shorter to wait for than to begin again elsewhere, in milliseconds. */
const WORTH_WAITING = 2000
/** Who takes so many times as long as a usual one is late. */
const LATE = 2.5

/** A stretch that is on its way over one connection. Times in monotonic milliseconds, `Infinity` while it is held back. */
export interface Flight {
  readonly stretch: Range
  begun: number
  movedAt: number
  /** Bytes of it that have gone out, and that the server is known to have. */
  sent: number
  there: number
  /** Ends it; what the server has of it stays there. */
  readonly over: AbortController
}

/** What is on its way. */
export class Flights {
  readonly #flights = new Set<Flight>()

  begin(stretch: Range): Flight {
    const over = new AbortController()
    const flight = { stretch, begun: Infinity, movedAt: Infinity, sent: 0, there: 0, over }
    this.#flights.add(flight)
    return flight
  }

  end(flight: Flight): void {
    this.#flights.delete(flight)
  }

  [Symbol.iterator](): Iterator<Flight> {
    return this.#flights.values()
  }

  /** Bytes that have gone out and are not known to be there. */
  get sent(): number {
    return [...this.#flights].reduce((sum, { sent, there }) => sum + Math.max(0, sent - there), 0)
  }

  /** The server has all that by now. */
  arrived(all: Ranges, now: number): void {
    for (const flight of this.#flights) {
      const there = all.in(flight.stretch)
      if (there > flight.there) flight.movedAt = now
      flight.there = there
    }
  }

  /** Those on which nothing has moved for so many milliseconds. */
  silent(now: number, ms: number): Flight[] {
    return [...this.#flights].filter(({ movedAt }) => now - movedAt > ms)
  }

  /** The one that is later than any other, if a usual connection (bytes a second) would have brought it long ago. */
  latest(now: number, usual: number): Flight | undefined {
    const [late] = [...this.#flights]
      .filter(({ stretch, begun }) => {
        const expected = ((stretch.end - stretch.start) / Math.max(1, usual)) * 1000
        return now - begun > WORTH_WAITING + LATE * expected
      })
      .toSorted((one, other) => one.begun - other.begun)
    return late
  }

  endAll(reason: unknown): void {
    for (const { over } of this.#flights) over.abort(reason)
  }
}

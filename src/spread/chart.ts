import { Flights, type Flight } from './flights.js'
import { Gaps } from './gaps.js'
import { Ranges, type Range } from './ranges.js'

/** Tells what of an upload is on the server's disk, in any order. */
type Stand = (signal: AbortSignal) => Promise<Range[]>

/** Which bytes of a file are on the server, which are on their way there, and which nobody has taken yet. */
export class Chart {
  readonly flights = new Flights()
  /** What the server has, and what of that it has told us in its answers to those who brought it. */
  #there = new Ranges()
  readonly #told = new Ranges()
  #gaps = new Gaps()
  #looking: Promise<void> | undefined

  /** `size`: bytes of the file. `signal` ends what is asked. */
  constructor(
    readonly size: number,
    readonly stand: Stand,
    readonly signal: AbortSignal,
  ) {}

  /** Bytes that are there. */
  get there(): number {
    return this.#there.total
  }

  /** Bytes that are there or have gone out. */
  get shown(): number {
    return Math.min(this.size, this.#there.total + this.flights.sent)
  }

  /** Bytes that nobody has taken yet. */
  get left(): number {
    return this.#gaps.left
  }

  /** Asks what is there; one question for all who ask at once. Throws what `stand` throws. */
  look(): Promise<void> {
    return (this.#looking ??= this.#lookOnce().finally(() => (this.#looking = undefined)))
  }

  async #lookOnce(): Promise<void> {
    const there = await this.stand(this.signal)
    // What was told meanwhile is there, too, and what is on its way is somebody's.
    this.#there = new Ranges([...new Ranges(there).within(this.size), ...this.#told])
    const taken = [...this.flights].map(({ stretch }) => stretch)
    this.#gaps = new Gaps(new Ranges([...this.#there, ...taken]).gaps(this.size))
    this.flights.arrived(this.#there, performance.now())
  }

  /** The next stretch that is to be sent, of so many bytes at most; undefined where there is none. */
  take(most: number): Flight | undefined {
    const stretch = this.#gaps.take(most)
    return stretch && this.flights.begin(stretch)
  }

  /** A stretch has come to its end: the server has told that so many of its bytes are there. False where some are not. */
  land({ stretch: { start, end } }: Flight, bytes: number): boolean {
    const reached = { start, end: Math.min(end, start + bytes) }
    this.#there.add(reached)
    this.#told.add(reached)
    return reached.end === end
  }
}

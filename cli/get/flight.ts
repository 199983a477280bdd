import type { Facts } from './facts.js'
import type { Part } from './part.js'
import type { Range } from '../../src/spread/ranges.js'
import type { Remote } from './remote.js'

/** The disk always takes a moment. Who waits for longer, in milliseconds, waits for us, and the line may be good. */
const HELD_MS = 500

export interface Sky {
  part: Part
  remote: Remote
  facts: Facts
  /** New bytes are in the part, for which the line had to wait so many milliseconds. */
  onBytes: (bytes: number, heldMs: number) => void
  signal: AbortSignal
}

/** A range on its way over one connection. What is still to come of it may be given to others meanwhile. */
export class Flight {
  /** How often the range has been taken from another connection. */
  readonly takeovers: number
  readonly #rest: Range
  readonly #over = new AbortController()
  #begun = performance.now()
  #heard = this.#begun
  #brought = 0
  /** It waits for us: for the disk, or for its turn where the rate is limited. */
  #isHeld = false

  constructor(range: Range, takeovers = 0) {
    this.#rest = { ...range }
    this.takeovers = takeovers
  }

  /** What has not come yet, or not been given to others. */
  get rest(): Range {
    return { ...this.#rest }
  }

  /** Whether others have all of the rest. */
  get isAbandoned(): boolean {
    return this.#over.signal.aborted
  }

  /** Milliseconds since it began, or was made shorter. */
  get age(): number {
    return performance.now() - this.#begun
  }

  /** For so many milliseconds nothing has come, though we were waiting. */
  get silence(): number {
    return this.#isHeld ? 0 : performance.now() - this.#heard
  }

  /** Bytes per second, since it began. */
  get rate(): number {
    return (this.#brought / Math.max(1, this.age)) * 1000
  }

  /** Seconds that the rest will take at this rate; 0 while it waits for us. */
  get secondsLeft(): number {
    const { start, end } = this.#rest
    const waits = this.#isHeld && performance.now() - this.#heard > HELD_MS
    return waits ? 0 : (end - start) / this.rate
  }

  /** Brings the range to the part. Throws what Remote's `bytes` throws and what the disk does, and `Taken`. */
  async run({ part, remote, facts, onBytes, signal }: Sky): Promise<void> {
    const rest = this.#rest
    const either = AbortSignal.any([signal, this.#over.signal])
    const arrived = () => {
      this.#isHeld = true
      this.#heard = performance.now()
    }
    for await (const all of remote.bytes({ ...rest }, facts, either, arrived)) {
      const bytes = all.subarray(0, Math.max(0, rest.end - rest.start))
      await part.write(bytes, rest.start)
      rest.start += bytes.length
      this.#brought += bytes.length
      this.#isHeld = false
      const now = performance.now()
      onBytes(bytes.length, now - this.#heard)
      this.#heard = now
      if (rest.start >= rest.end) return
    }
  }

  /** Keeps what will come within so many seconds, and returns the rest for others. */
  shorten(seconds: number): Range {
    const { start, end } = this.#rest
    const cut = Math.min(end, start + Math.ceil(seconds * this.rate))
    this.#rest.end = cut
    this.#begun = performance.now()
    this.#brought = 0
    return { start: cut, end }
  }

  /** Ends it, and returns the rest for others. */
  abandon(): Range {
    const { start, end } = this.#rest
    this.#rest.end = start
    this.#over.abort(new Taken())
    return { start, end }
  }
}

/** Another connection brings the rest. */
class Taken extends Error {
  override readonly name = 'Taken'
}

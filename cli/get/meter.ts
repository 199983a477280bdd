const SECOND = 1000
/** What comes in the first milliseconds says nothing: a connection has to get up to speed. */
const START_MS = 500

/** Bytes, and for how much of the second they had to wait for the disk or for their turn: 2 is two connections all the time. */
interface Second {
  bytes: number
  held: number
}

/** What comes, counted by the second. */
export class Meter {
  #bytes = 0
  #heldMs = 0
  #movedAt = performance.now()
  #begun = performance.now() + START_MS

  /** `heldMs`: so many milliseconds they had to wait for us. */
  add(bytes: number, heldMs: number): void {
    this.#bytes += bytes
    this.#heldMs += heldMs
    this.#movedAt = performance.now()
  }

  /** For so many milliseconds nothing has come. */
  get stillness(): number {
    return performance.now() - this.#movedAt
  }

  /** What the second that is over has brought; undefined while none is. */
  take(): Second | undefined {
    const passed = performance.now() - this.#begun
    const isStart = passed < 0
    if (!isStart && passed < SECOND) return undefined
    const second = { bytes: (this.#bytes / passed) * SECOND, held: this.#heldMs / passed }
    this.#bytes = 0
    this.#heldMs = 0
    if (isStart) return undefined
    this.#begun += passed
    return second
  }
}

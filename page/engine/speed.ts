/** Seconds over which the speed is taken. */
const WINDOW = 6

/** How fast a transfer is, by what has come in the last seconds. */
export class Speed {
  #samples: { at: number; bytes: number }[] = []

  /** `at`: a monotonic clock in milliseconds. */
  add(bytes: number, at: number): void {
    // The server had less than was thought: what is known of the speed goes with it.
    if (bytes < (this.#samples.at(-1)?.bytes ?? 0)) this.#samples = []
    this.#samples.push({ at, bytes })
    while (this.#samples.length > 2 && at - this.#samples[1]!.at > WINDOW * 1000) this.#samples.shift()
  }

  /** Undefined as long as there is too little to go by. */
  get bytesPerSecond(): number | undefined {
    const [first, last] = [this.#samples[0], this.#samples.at(-1)]
    if (!first || !last || last.at - first.at < 1000) return undefined
    return ((last.bytes - first.bytes) * 1000) / (last.at - first.at)
  }
}

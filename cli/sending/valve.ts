import { Readable } from 'node:stream'
import type { Limiter } from './limiter.js'

const TICK_MS = 5000

/** Lets a file's bytes pass when it is their time: at a limited rate, and the last ones not before the gate opens. */
export class Valve {
  readonly #limiter: Limiter | undefined
  readonly #size: number
  #open: () => void = () => undefined
  readonly #opened: Promise<void>

  /** `size`, in bytes, is the whole file's. A valve whose last bytes need not wait is opened at once. */
  constructor(size: number, limiter: Limiter | undefined) {
    this.#size = size
    this.#limiter = limiter
    this.#opened = new Promise((resolve) => (this.#open = resolve))
  }

  /** The last bytes may go. */
  open(): void {
    this.#open()
  }

  /** What comes from `source`, which begins at `position`. `onHold` is called every few seconds while the last bytes wait. */
  through(source: Readable, position: number, onHold: () => void): Readable {
    return Readable.from(this.#pass(source, position, onHold), { objectMode: false, highWaterMark: 1 })
  }

  async *#pass(source: Readable, begin: number, onHold: () => void): AsyncGenerator<Buffer> {
    let position = begin
    for await (const piece of source) {
      const bytes = piece as Buffer
      await this.#limiter?.take(bytes.length)
      position += bytes.length
      if (position >= this.#size) await this.#hold(source, onHold)
      yield bytes
    }
  }

  /** Ends with the source, too: who has closed that must not wait for the gate. */
  async #hold(source: Readable, onHold: () => void): Promise<void> {
    const timer = setInterval(onHold, TICK_MS)
    try {
      await Promise.race([this.#opened, new Promise((resolve) => void source.once('close', resolve))])
    } finally {
      clearInterval(timer)
    }
  }
}

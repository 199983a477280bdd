import { type Readable, Transform, pipeline } from 'node:stream'
import type { Limiter } from './limiter.js'

const TICK_MS = 5000

/** Lets a file's bytes pass when it is their time: at a limited rate, and the last ones not before the gate opens. */
export class Valve {
  readonly #limiter: Limiter | undefined
  readonly #size: number
  #open: () => void = () => undefined
  readonly #opened: Promise<void>
  #isHolding = false

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

  /** Resolves when the last bytes may go; rejects with the signal's reason. */
  async opened(signal: AbortSignal): Promise<void> {
    this.#isHolding = true
    await Promise.race([this.#opened, aborted(signal)])
  }

  /** Whether all that may pass has passed, and the last bytes wait for the gate. */
  get isHolding(): boolean {
    return this.#isHolding
  }

  /** What comes from `source`, which begins at `position`. `onHold` is called every few seconds while the last bytes wait. */
  through(source: Readable, position: number, onHold: () => void): Readable {
    this.#isHolding = false
    const gone = withResolvers()
    const passage: Transform = new Transform({
      readableHighWaterMark: 1,
      writableHighWaterMark: 1,
      transform: (bytes: Buffer, _encoding, done) => {
        const isLast = position + bytes.length >= this.#size
        position += bytes.length
        this.#pass(bytes, isLast, passage, onHold, gone.promise).then(() => done(), done)
      },
      // Who has given up on the bytes does not wait for the gate.
      destroy: (error, done) => {
        gone.resolve()
        done(error)
      },
    })
    pipeline(source, passage, () => undefined)
    return passage
  }

  async #pass(
    bytes: Buffer,
    isLast: boolean,
    passage: Transform,
    onHold: () => void,
    gone: Promise<void>,
  ): Promise<void> {
    for (const slice of this.#limiter?.slices(bytes) ?? [bytes]) {
      await this.#limiter?.take(slice.length)
      if (isLast && slice.byteOffset + slice.length === bytes.byteOffset + bytes.length)
        await this.#hold(onHold, gone)
      if (passage.destroyed) return
      passage.push(slice)
    }
  }

  async #hold(onHold: () => void, gone: Promise<void>): Promise<void> {
    const timer = setInterval(onHold, TICK_MS)
    this.#isHolding = true
    try {
      await Promise.race([this.#opened, gone])
    } finally {
      clearInterval(timer)
    }
  }
}

function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    if (signal.aborted) reject(signal.reason as Error)
    signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true })
  })
}

function withResolvers(): { promise: Promise<void>; resolve: () => void } {
  let resolve!: () => void
  const promise = new Promise<void>((yes) => (resolve = yes))
  return { promise, resolve }
}

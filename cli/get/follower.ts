import { createHash } from 'node:crypto'
import type { Part } from './part.js'

const PIECE_SIZE = 1024 * 1024

/**
 * Reads a part behind its front, from the page cache, and hashes what it reads: so the MD5 is that of the file, and not
 * of what we believe to have written.
 */
export class Follower {
  readonly #part: Part
  readonly #hash = createHash('md5')
  readonly #piece = Buffer.allocUnsafe(PIECE_SIZE)
  #done = 0
  #running: Promise<void> | undefined
  #isStopped = false

  constructor(part: Part) {
    this.#part = part
  }

  /** The bytes hashed so far. */
  get done(): number {
    return this.#done
  }

  /** Goes after the front, unless it does so already. What fails is told by `digest`. */
  follow(): void {
    if (this.#running) return
    this.#running = this.#run().then(() => (this.#running = undefined))
    this.#running.catch(() => undefined)
  }

  /** The MD5 (hex) of the part, which must be complete; calls `onProgress` with the bytes hashed so far. */
  async digest(onProgress: (bytes: number) => void, signal: AbortSignal): Promise<string> {
    while (this.#done < this.#part.size) {
      signal.throwIfAborted()
      await (this.#running ?? this.#step())
      onProgress(this.#done)
    }
    return this.#hash.digest('hex')
  }

  /** Resolves when it reads no more. */
  async stop(): Promise<void> {
    this.#isStopped = true
    await this.#running?.catch(() => undefined)
  }

  async #run(): Promise<void> {
    while (!this.#isStopped && this.#done < this.#part.front) await this.#step()
  }

  async #step(): Promise<void> {
    const room = Math.min(PIECE_SIZE, this.#part.front - this.#done)
    const bytes = await this.#part.read(this.#piece.subarray(0, room), this.#done)
    if (bytes === 0) throw new Error('the part has become shorter')
    this.#hash.update(this.#piece.subarray(0, bytes))
    this.#done += bytes
  }
}

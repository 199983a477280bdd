import type { FileSource, SliceResult } from 'tus-js-client'

/** So many last bytes wait. */
const TAIL = 64 * 1024

/**
 * A file as the tus client reads it, whose last bytes wait until they may go: a content is stored when its last byte is
 * there, and not before its MD5 has been declared.
 */
export class HeldFile implements FileSource {
  readonly size: number
  readonly #file: Blob
  /** The most that goes in one request, in bytes. */
  readonly #largest: number
  readonly #mayEnd: () => Promise<unknown>

  constructor(file: Blob, largest: number, mayEnd: () => Promise<unknown>) {
    this.#file = file
    this.size = file.size
    this.#largest = largest
    this.#mayEnd = mayEnd
  }

  /** What to send next. The browser reads it from the disk while it sends. */
  async slice(start: number, end: number): Promise<SliceResult> {
    const tail = Math.max(0, this.size - TAIL)
    let until = Math.min(end, start + this.#largest)
    if (start < tail) until = Math.min(until, tail)
    else await this.#mayEnd()
    return { value: this.#file.slice(start, until), done: until >= this.size }
  }

  close(): void {
    // A Blob needs none.
  }
}

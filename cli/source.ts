import type { Readable } from 'node:stream'
import type { LocalFile } from './local-file.js'

/** Lets bytes that begin at a position pass. */
export type Through = (bytes: Readable, position: number) => Readable

/** Keeps progress smooth on a slow line and costs little on a fast one. */
const PIECE_SIZE = 128 * 1024

/**
 * The file as tus-js-client reads it. Its own source for files opens the path anew for each request and listens to no
 * error: a file that vanishes is an uncaught ENOENT there, one that shrinks a request without an end.
 */
export class FileSource {
  readonly size: number
  readonly #file: LocalFile
  readonly #onFailure: (error: unknown) => void
  readonly #through: Through | undefined
  #streams: Readable[] = []
  #isClosed = false

  /** `onFailure` learns why the file cannot be read to the size it had. `through`: what its bytes have to pass. */
  constructor(file: LocalFile, onFailure: (error: unknown) => void, through?: Through) {
    this.size = file.size
    this.#file = file
    this.#onFailure = onFailure
    this.#through = through
  }

  /** The library sends what comes out as a request body of `value.size` bytes. */
  async slice(start: number, end: number): Promise<{ value: Readable & { size: number }; done: boolean }> {
    if (this.#isClosed) throw new Error('closed')
    const stop = Math.min(end, this.size)
    const bytes = this.#file.read(start, stop, PIECE_SIZE)
    const stream = this.#through?.(bytes, start) ?? bytes
    this.#streams = [bytes, stream]
    stream.once('error', this.#onFailure)
    return { value: Object.assign(stream, { size: stop - start }), done: stop >= this.size }
  }

  /** No more bytes, not even into a request that is just being sent. */
  close(): void {
    this.#isClosed = true
    for (const stream of this.#streams) stream.destroy()
  }
}

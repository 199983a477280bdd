import { type FileHandle, open, stat } from 'node:fs/promises'
import { basename } from 'node:path'
import { Readable } from 'node:stream'
import { ClientError, systemCodeOf } from './errors.js'
import { isSameFile, type Snapshot, snapshotOf } from './hashing/snapshot.js'

const LARGEST_PIECE = 1024 * 1024
const QUICK_MS = 10
const SLOW_MS = 100

/**
 * The file to upload. It is opened once: what was hashed is what is sent, even if somebody renames, replaces or
 * deletes it meanwhile.
 */
export class LocalFile {
  readonly name: string
  readonly size: number
  readonly #handle: FileHandle
  #whole: Buffer | undefined

  /**
   * Opens `path`; messages call it `shownAs`. Throws `file-missing`, `not-a-file` or `file-unreadable`.
   */
  static async open(path: string, shownAs: string): Promise<LocalFile> {
    try {
      const before = await stat(path, { bigint: true })
      // Asked before opening: to open a named pipe would wait for its other end.
      if (!before.isFile()) throw new ClientError('not-a-file', { subject: shownAs })
      return new LocalFile(await open(path, 'r'), path, shownAs, snapshotOf(before))
    } catch (error) {
      throw asFileError(error, shownAs)
    }
  }

  private constructor(
    handle: FileHandle,
    readonly path: string,
    readonly shownAs: string,
    /** As it was just before it was opened. */
    readonly snapshot: Snapshot,
  ) {
    this.#handle = handle
    this.name = basename(path)
    this.size = Number(snapshot.size)
  }

  /**
   * The bytes from `start` up to `end`, in pieces of `pieceSize`, and larger ones while they are taken quickly: each costs
   * a turn of a thread. Fails with `file-changed` if the file is shorter than
   * it was, with `file-unreadable` if the system cannot read it. To destroy the stream leaves the file open.
   */
  read(start: number, end: number, pieceSize: number): Readable {
    return Readable.from(this.#pieces(start, end, pieceSize), {
      objectMode: false,
      highWaterMark: 2 * pieceSize,
    })
  }

  async *#pieces(start: number, end: number, pieceSize: number): AsyncGenerator<Buffer> {
    let size = pieceSize
    for (let position = start; position < end;) {
      const piece = Buffer.allocUnsafe(Math.min(size, end - position))
      const bytesRead = await this.#readInto(piece, 0, position)
      position += bytesRead
      const given = performance.now()
      yield piece.subarray(0, bytesRead)
      const took = performance.now() - given
      if (took < QUICK_MS) size = Math.min(2 * size, Math.max(LARGEST_PIECE, pieceSize))
      else if (took > SLOW_MS) size = Math.max(size / 2, pieceSize)
    }
  }

  async #readInto(bytes: Buffer, from: number, position: number): Promise<number> {
    const { bytesRead } = await this.#handle
      .read(bytes, from, bytes.length - from, position)
      .catch((error: unknown) => {
        throw asFileError(error, this.shownAs)
      })
    if (bytesRead === 0) throw this.changed()
    return bytesRead
  }

  /** All of it, for one that is small; it is read once. Errors as `read`. */
  async whole(): Promise<Buffer> {
    return (this.#whole ??= await this.#readWhole())
  }

  async #readWhole(): Promise<Buffer> {
    const bytes = Buffer.allocUnsafe(this.size)
    for (let position = 0; position < this.size;) position += await this.#readInto(bytes, position, position)
    return bytes
  }

  /** The error for a file that is not what it was when it was opened. */
  changed(cause?: unknown): ClientError {
    return new ClientError('file-changed', { subject: this.shownAs }, { cause })
  }

  /** True if what the path leads to is not what was opened: changed, replaced or deleted. */
  async hasChanged(): Promise<boolean> {
    try {
      return !isSameFile(this.snapshot, await stat(this.path, { bigint: true }))
    } catch {
      return true
    }
  }

  close(): Promise<void> {
    return this.#handle.close()
  }
}

function asFileError(error: unknown, subject: string): unknown {
  const reason = systemCodeOf(error)
  if (error instanceof ClientError || reason === undefined) return error
  const isMissing = reason === 'ENOENT' || reason === 'ENOTDIR'
  return new ClientError(
    isMissing ? 'file-missing' : 'file-unreadable',
    { subject, reason },
    { cause: error },
  )
}

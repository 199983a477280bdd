import { constants } from 'node:fs'
import { open, type FileHandle } from 'node:fs/promises'

/** An open part. Positions and lengths in bytes; every method rejects with the system's error. */
export class Part {
  private constructor(readonly handle: FileHandle) {}

  static async open(path: string): Promise<Part> {
    // O_NOFOLLOW: a link planted in the inbox must not lead our writes elsewhere.
    return new Part(await open(path, constants.O_RDWR | (constants.O_NOFOLLOW ?? 0)))
  }

  /** EEXIST where there is anything already. */
  static async create(path: string): Promise<Part> {
    return new Part(await open(path, 'wx'))
  }

  /** Writes all the chunks at a position; resolves when the system has taken every byte. */
  async write(chunks: Buffer[], position: number): Promise<void> {
    let rest = chunks
    let at = position
    while (rest.length > 0) {
      const { bytesWritten } = await this.handle.writev(rest, at)
      at += bytesWritten
      rest = after(rest, bytesWritten)
    }
  }

  /** What the disk says of it now: its size, and the inode by which one file is told from another. */
  async facts(): Promise<{ size: number; inode: number }> {
    const { size, ino } = await this.handle.stat()
    return { size, inode: ino }
  }

  /** Cuts what somebody else has put behind its end (bytes). */
  async cut(end: number): Promise<void> {
    if ((await this.facts()).size > end) await this.handle.truncate(end)
  }

  /** fdatasync: the bytes, and the size that they imply, are on disk. */
  datasync(): Promise<void> {
    return this.handle.datasync()
  }

  /** fsync: the bytes and all that is known of the file are on disk. */
  sync(): Promise<void> {
    return this.handle.sync()
  }

  close(): Promise<void> {
    return this.handle.close()
  }
}

/** What is left of the chunks after so many bytes (a full disk may take only some of them). */
function after(chunks: Buffer[], bytes: number): Buffer[] {
  const rest: Buffer[] = []
  let skip = bytes
  for (const chunk of chunks) {
    if (skip < chunk.length) rest.push(skip > 0 ? chunk.subarray(skip) : chunk)
    skip = Math.max(0, skip - chunk.length)
  }
  return rest
}

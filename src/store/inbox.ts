import { constants } from 'node:fs'
import {
  access,
  lstat,
  mkdir,
  open,
  opendir,
  rm,
  statfs,
  truncate,
  unlink,
  writeFile,
} from 'node:fs/promises'
import { join } from 'node:path'
import { isErrno } from '../errors.js'
import { DirectorySync } from './durable.js'
import { Part } from './part.js'

const MIB = 1024 * 1024
const PREFIX = 'tmp_'
const NAME = /^tmp_[0-9a-f]{32}$/
const PROBE = '.probe'
/** A link that somebody has put there is not followed, a pipe not waited for: both fail like a disk that takes nothing. */
const PROBING =
  constants.O_WRONLY |
  constants.O_CREAT |
  constants.O_TRUNC |
  (constants.O_NOFOLLOW ?? 0) |
  (constants.O_NONBLOCK ?? 0)

/** What the disk says of a part. More than one link means that it already stands on the shelf, too. */
export interface PartFacts {
  size: number
  links: number
  /** When it was last written, in wall-clock milliseconds. */
  touchedAt: number
}

/** The folder of arriving bytes: one part `tmp_<id>` for each upload. Nobody else joins a path below it. */
export class Inbox {
  readonly #names: DirectorySync

  private constructor(readonly directory: string) {
    this.#names = new DirectorySync(directory)
  }

  /** Makes the folder where it is missing; rejects with the system's error where it can't be written. */
  static async open(directory: string): Promise<Inbox> {
    await mkdir(directory, { recursive: true })
    await access(directory, constants.R_OK | constants.W_OK | constants.X_OK)
    return new Inbox(directory)
  }

  /** Where a part lies. */
  path(part: string): string {
    return join(this.directory, PREFIX + part)
  }

  /** Makes an empty part, name on disk included. EEXIST where it is there already. */
  async create(part: string): Promise<void> {
    const handle = await open(this.path(part), 'wx')
    await handle.close()
    await this.#names.sync()
  }

  /** Bytes that we may still write to its file system. */
  async free(): Promise<number> {
    const { bavail, bsize } = await statfs(this.directory)
    return bavail * bsize
  }

  /** Writes and removes a byte; rejects with the system's error where that can't be done. Many may at a time. */
  async probe(): Promise<void> {
    const path = join(this.directory, PROBE)
    await writeFile(path, '.', { flag: PROBING })
    await rm(path, { force: true }) // another probe may have been faster
  }

  /** The same, and open; its name need not be on disk. */
  createPart(part: string): Promise<Part> {
    return Part.create(this.path(part))
  }

  /** Opens a part for writing at its front (bytes). */
  openPart(part: string): Promise<Part> {
    return Part.open(this.path(part))
  }

  /** Size and links of a part, undefined where there is none (or something that is no regular file). */
  async facts(part: string): Promise<PartFacts | undefined> {
    try {
      const stats = await lstat(this.path(part))
      return stats.isFile() ? { size: stats.size, links: stats.nlink, touchedAt: stats.mtimeMs } : undefined
    } catch (error) {
      if (isErrno(error, 'ENOENT')) return undefined
      throw error
    }
  }

  /** The bytes of a part from `start` up to `end`, as far as there are any, a mebibyte at a time. Throws the system's error. */
  async *read(part: string, start: number, end: number): AsyncGenerator<Buffer> {
    if (start >= end || !(await this.facts(part))) return
    const handle = await open(this.path(part), constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0))
    yield* handle.createReadStream({ start, end: end - 1, highWaterMark: MIB }) as AsyncIterable<Buffer>
  }

  /** Cuts a part to its front (bytes): what lies beyond may be garbage after a power cut. */
  truncate(part: string, front: number): Promise<void> {
    return truncate(this.path(part), front)
  }

  /** Removes a part; one that is gone already is fine. */
  async remove(part: string): Promise<void> {
    try {
      await unlink(this.path(part))
    } catch (error) {
      if (!isErrno(error, 'ENOENT')) throw error
    }
  }

  /** The names of all parts, as they stream from the folder. What is no regular file, or is named otherwise, is not ours. */
  async *parts(): AsyncGenerator<string> {
    for await (const entry of await opendir(this.directory)) {
      if (entry.isFile() && NAME.test(entry.name)) yield entry.name.slice(PREFIX.length)
    }
  }
}

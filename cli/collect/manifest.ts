import { randomBytes } from 'node:crypto'
import { type FileHandle, open, realpath, rename, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { Md5 } from '../../src/contract.js'
import { systemCodeOf } from '../errors.js'

interface ManifestRow {
  /** With '/' between names. */
  path: string
  /** Bytes. */
  size: number
  md5: Md5
  url: string
}

/**
 * A table of what is stored: CSV by RFC 4180 (CRLF, quotes only where they are needed), UTF-8, `path,size,md5,url` first.
 * Rows go to `<path>.<random>.part` as they come, whole rows in one write, so that what a killed run leaves there is a
 * table as well; `finish` makes it durable and gives it its name, in the place of an older one. A `path` that is no
 * regular file (a pipe, /dev/stdout) is written to directly. Everything here rejects with the system's errors.
 */
export class Manifest {
  readonly #file: FileHandle
  readonly #draft: string | undefined
  readonly #path: string
  #waiting = 'path,size,md5,url\r\n'
  #writing = Promise.resolve()

  static async open(path: string): Promise<Manifest> {
    const target = await realpath(path).catch(asItIs(path))
    const found = await stat(target).catch(asItIs(undefined))
    const draft = found && !found.isFile() ? undefined : `${target}.${randomBytes(4).toString('hex')}.part`
    const file = await open(draft ?? target, draft === undefined ? 'w' : 'wx')
    const manifest = new Manifest(file, target, draft)
    await manifest.#flushSoon()
    return manifest
  }

  private constructor(file: FileHandle, path: string, draft: string | undefined) {
    this.#file = file
    this.#path = path
    this.#draft = draft
  }

  /** Resolves when the row is written; rows that come meanwhile go together. */
  add({ path, size, md5, url }: ManifestRow): Promise<void> {
    this.#waiting += `${[path, `${size}`, md5, url].map(quoted).join(',')}\r\n`
    return this.#flushSoon()
  }

  /** Ends the table: on disk, under its name. To be called also when the run is interrupted: what it has is true. */
  async finish(): Promise<void> {
    try {
      await this.#writing
      if (this.#draft !== undefined) await this.#file.sync()
    } finally {
      await this.#file.close()
    }
    if (this.#draft === undefined) return
    await rename(this.#draft, this.#path)
    await syncFolder(dirname(this.#path))
  }

  #flushSoon(): Promise<void> {
    return (this.#writing = this.#writing.then(() => this.#flush()))
  }

  async #flush(): Promise<void> {
    const text = this.#waiting
    this.#waiting = ''
    if (text !== '') await this.#file.appendFile(text)
  }
}

function quoted(field: string): string {
  return /[",\r\n]|^\s|\s$/.test(field) ? `"${field.replaceAll('"', '""')}"` : field
}

function asItIs<T>(value: T): (error: unknown) => T {
  return (error) => {
    if (systemCodeOf(error) === 'ENOENT') return value
    throw error
  }
}

/** Windows has no such thing, and some file systems refuse it: the table is there in any case. */
async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r').catch(() => undefined)
  await handle?.sync().catch(() => undefined)
  await handle?.close()
}

import { constants, linkSync, lstatSync, opendirSync, renameSync, unlinkSync } from 'node:fs'
import { access, link, lstat, mkdir, open, readdir, rename, rm, unlink } from 'node:fs/promises'
import { join } from 'node:path'
import { extensionOf, type Md5 } from '../contract.js'
import { diskError, isErrno, syncError } from '../errors.js'
import { DirectorySync } from './durable.js'
import type { Ledger } from './ledger.js'
import type { Found, Listed } from './rows.js'

const NAME = /^([0-9a-f]{32})(?:\.[a-z0-9]{1,10})?$/i
const QUARANTINE = '.quarantine'
/** What file systems without hard links answer to link(2): FAT, exFAT, some network mounts. */
const NO_LINKS = ['EPERM', 'ENOTSUP', 'ENOSYS', 'EOPNOTSUPP', 'EMLINK', 'EXDEV']
const EMPTY = 'd41d8cd98f00b204e9800998ecf8427e'
const BATCH = 4096
const SIZES_EVERY_MS = 1000

/** The folder of contents: one file `<md5>.<ext>` for each. It is the truth; nobody else joins a path below it. */
export class Shelf {
  readonly #names: DirectorySync
  /** Sizes in bytes that the ledger does not know yet. */
  #measured = new Map<Md5, number>()

  private constructor(
    readonly directory: string,
    readonly ledger: Ledger,
  ) {
    this.#names = new DirectorySync(directory)
  }

  /** Makes the folder where it is missing; rejects with the system's error where it can't be written. */
  static async prepare(directory: string): Promise<void> {
    await mkdir(directory, { recursive: true })
    await access(directory, constants.R_OK | constants.W_OK | constants.X_OK)
  }

  static open(directory: string, ledger: Ledger): Shelf {
    return new Shelf(directory, ledger)
  }

  /** The name that a new content gets: its first uploader's extension, made safe. */
  nameFor(md5: Md5, filename: string): string {
    return `${md5}.${extensionOf(filename)}`
  }

  /** Where a file of this name lies. */
  path(file: string): string {
    return join(this.directory, file)
  }

  /**
   * The content with this MD5, if its file is there: a regular one, of the size that was stored. Synchronous (one
   * look-up, one stat), so that "standing -> claim" can be one step.
   */
  find(md5: Md5): Found | undefined {
    const content = this.ledger.read.content(md5)
    return content && this.found(content)
  }

  /** The same, for whom has looked it up. */
  found<T extends Pick<Listed, 'md5' | 'file' | 'size'>>(content: T): (T & { size: number }) | undefined {
    const { md5 } = content
    const stats = lstatSync(this.path(content.file), { throwIfNoEntry: false })
    if (!stats?.isFile()) return undefined
    if (content.size === undefined) {
      if (stats.size === 0 && md5 !== EMPTY) return undefined
      this.#measure(md5, stats.size)
    } else if (stats.size !== content.size) return undefined
    return { ...content, size: stats.size }
  }

  /** Sizes go to the ledger together: after each commit SQLite's readers have to read again what they had at hand. */
  #measure(md5: Md5, size: number): void {
    if (this.#measured.size === 0) setTimeout(() => this.#writeSizes(), SIZES_EVERY_MS).unref()
    this.#measured.set(md5, size)
  }

  /** Whether there is a content of so many bytes, as far as sizes are known. */
  hasSize(bytes: number): boolean {
    return this.ledger.read.hasSize(bytes) || [...this.#measured.values()].includes(bytes)
  }

  #writeSizes(): void {
    const sizes = [...this.#measured].map(([md5, size]) => ({ md5, size }))
    this.#measured = new Map()
    void this.ledger.write('measure', sizes).catch(() => undefined) // measured again next time
  }

  /**
   * Puts a verified part onto the shelf as `file`, its name durable. What has the name already, unread, gives way: one
   * of another size is set aside, one of the same size is replaced. `spare` makes a free path in the part's folder. Call it
   * under a lock on the md5. Errors: `disk-full`, `io-failed`, `sync-failed`.
   */
  async place(part: string, file: string, spare: () => string): Promise<void> {
    const target = this.path(file)
    const isNew = await this.#put(part, file, spare).catch((error: unknown) => {
      throw diskError(error, 'placing the file on the shelf')
    })
    try {
      await this.#names.sync()
    } catch (error) {
      const failed = syncError(error)
      // A name of ours that may not be on disk is taken back. Where nothing was synced, the next try goes on from here.
      if (isNew && failed.code === 'sync-failed') await unlink(target).catch(() => undefined)
      throw failed
    }
  }

  /** True where the name is new; false where it was the part's already, from a try before, or another file's. */
  async #put(part: string, file: string, spare: () => string): Promise<boolean> {
    const target = this.path(file)
    try {
      await linkOrMove(part, target)
      return true
    } catch (error) {
      if (!isErrno(error, 'EEXIST')) throw error
    }
    const [ours, theirs] = await Promise.all([lstat(part), lstat(target)])
    if (ours.ino === theirs.ino) return false
    if (theirs.isFile() && theirs.size === ours.size) {
      await replace(part, target, spare())
      return false
    }
    await this.setAside(file)
    await linkOrMove(part, target)
    return true
  }

  /**
   * Moves a file that is not what its name says out of the way; it is no longer served. With the `inode` of the one that
   * was found wrong, a right one that has taken its place meanwhile stays, or is put back.
   */
  async setAside(file: string, inode?: number): Promise<void> {
    const folder = join(this.directory, QUARANTINE)
    await mkdir(folder, { recursive: true })
    if (!moveAway(this.path(file), join(folder, `${file}.${Date.now()}`), inode)) return
    await new DirectorySync(folder).sync()
    await this.#names.sync()
  }

  /** Takes every file of these contents off the shelf, durably; returns their names. Who is reading one reads on. */
  async remove(md5s: ReadonlySet<string>): Promise<string[]> {
    const removed: string[] = []
    for (const { names } of this.scan())
      removed.push(...names.filter((name) => md5s.has(name.slice(0, 32).toLowerCase())))
    for (const name of removed) await rm(this.path(name), { force: true })
    await this.#names.sync()
    return removed
  }

  /** Walks the names in the folder, in batches; `other` counts those that are no content's. Synchronous, for the start. */
  *scan(): Generator<{ names: string[]; other: number }> {
    const folder = opendirSync(this.directory, { bufferSize: 1024 })
    let names: string[] = []
    let other = 0
    try {
      for (let entry = folder.readSync(); entry; entry = folder.readSync()) {
        if (entry.isFile() && NAME.test(entry.name)) names.push(entry.name)
        else if (!entry.name.startsWith('.')) other++
        if (names.length < BATCH) continue
        yield { names, other }
        names = []
        other = 0
      }
    } finally {
      folder.closeSync()
    }
    yield { names, other }
  }

  /** How many files have been set aside. */
  async quarantined(): Promise<number> {
    try {
      return (await readdir(join(this.directory, QUARANTINE))).length
    } catch (error) {
      if (isErrno(error, 'ENOENT')) return 0
      throw error
    }
  }
}

/** link(2) never overwrites, so a reader sees all or nothing. EEXIST where the name is taken. */
async function linkOrMove(part: string, target: string): Promise<void> {
  try {
    await link(part, target)
  } catch (error) {
    if (!isErrno(error, ...NO_LINKS)) throw error
    // Without links: an exclusive create takes the name or fails; the rename then replaces our own empty file only.
    const reservation = await open(target, 'wx')
    await reservation.close()
    await rename(part, target)
  }
}

/**
 * Looking, moving and looking again follow each other at once: a right file that slips in between, from this process or
 * another, is away for some microseconds. False where the file is not the one, or not there any more.
 */
function moveAway(path: string, aside: string, inode: number | undefined): boolean {
  try {
    if (inode !== undefined && lstatSync(path).ino !== inode) return false
    renameSync(path, aside)
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return false // somebody else was faster
    throw error
  }
  if (inode === undefined || lstatSync(aside).ino === inode) return true
  putBack(aside, path)
  return false
}

function putBack(aside: string, path: string): void {
  try {
    linkSync(aside, path)
  } catch (error) {
    if (isErrno(error, ...NO_LINKS)) return renameSync(aside, path)
    if (!isErrno(error, 'EEXIST')) throw error // it has a successor already
  }
  unlinkSync(aside)
}

/** Takes the name from the file that has it; who is reading that one reads on, and nobody ever finds none. */
async function replace(part: string, target: string, spare: string): Promise<void> {
  try {
    await link(part, spare)
  } catch (error) {
    if (!isErrno(error, ...NO_LINKS)) throw error
    return rename(part, target)
  }
  try {
    await rename(spare, target)
  } catch (error) {
    await unlink(spare).catch(() => undefined) // swept at the next start
    throw error
  }
}

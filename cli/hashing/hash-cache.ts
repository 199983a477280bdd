import type Database from 'libsql'
import { resolve } from 'node:path'
import { type Md5, type Sha256, parseMd5, parseSha256 } from '../../src/contract.js'
import { systemCodeOf } from '../errors.js'
import { openCacheFile, renew } from './cache-file.js'
import type { Digests } from './digests.js'
import { type PartialHash, type Rows, type Write, rowsOf } from './cache-rows.js'
import { type Snapshot, stampOf } from './snapshot.js'

const FLUSH_AFTER_MS = 1000
/** As many as are written within some 5 ms: the transfer runs on this thread, too. */
const FLUSH_AT = 1000
/** Writes wait while another process writes, but not without end. */
const MOST_WAITING = 50_000

/**
 * Which MD5 a file had, kept in the user's cache folder over runs and shared by all processes; also how far an
 * interrupted hashing came. An entry counts only for the same path, size, mtime, ctime and inode, and each is sealed with
 * a checksum: what is torn, or was written for another file, is not found. Nothing here throws: whatever is wrong with
 * the cache, the file is hashed again. A program that keeps writing through a shared memory mapping changes a file
 * without its times until the system cleans the page; there, as everywhere, only `none()` is sure.
 */
export class HashCache {
  readonly #folder: string
  readonly #waiting = new Map<string, Write>()
  #db: Database.Database | undefined
  #rows: Rows | undefined
  #timer: NodeJS.Timeout | undefined
  #isTorn = false

  /** The cache in `folder`; one that cannot be used is like none. */
  static async open(folder: string): Promise<HashCache> {
    return new HashCache(folder, await openCacheFile(folder))
  }

  /** Finds nothing and keeps nothing. */
  static none(): HashCache {
    return new HashCache('', undefined)
  }

  private constructor(folder: string, db: Database.Database | undefined) {
    this.#folder = folder
    this.#db = db
    this.#guard(() => (this.#rows = db && rowsOf(db)))
  }

  /** The MD5 of the file at `path` if it is as it was when it was hashed. 10 us. */
  find(path: string, snapshot: Snapshot): Md5 | undefined {
    return this.digests(path, snapshot)?.md5
  }

  /** The same, with the SHA-256 where that was computed, too. */
  digests(path: string, snapshot: Snapshot): Digests | undefined {
    const key = resolve(path)
    const stamp = stampOf(snapshot)
    const waiting = this.#waiting.get(key)
    if (waiting?.what === 'md5' && waiting.stamp === stamp)
      return { md5: waiting.md5, sha256: waiting.sha256 }
    const found = this.#guard(() => this.#rows?.digests(key, stamp))
    if (found?.isAging) this.#write({ what: 'use', path: key })
    const md5 = parseMd5(found?.md5)
    return md5 && { md5, sha256: parseSha256(found?.sha256) }
  }

  /** How far hashing the same unchanged file came, and the hash's state there. */
  findPartial(path: string, snapshot: Snapshot): PartialHash | undefined {
    const key = resolve(path)
    const stamp = stampOf(snapshot)
    const waiting = this.#waiting.get(key)
    if (waiting?.what === 'partial' && waiting.stamp === stamp) return waiting
    return this.#guard(() => this.#rows?.partial(key, stamp))
  }

  /**
   * Remembers the MD5 of a file that was `stamp` before and after it was read, and settled before. It is on disk within a
   * second, or when the cache is closed.
   */
  keep(path: string, stamp: string, md5: Md5, sha256?: Sha256): void {
    this.#write({ what: 'md5', path: resolve(path), stamp, md5, sha256 })
  }

  /** Remembers how far the hashing of a settled file is; at once on disk. */
  keepPartial(path: string, stamp: string, partial: PartialHash): void {
    this.#write({ what: 'partial', path: resolve(path), stamp, ...partial })
  }

  /** Writes what waits, forgets what nobody uses, and closes. */
  async close(): Promise<void> {
    clearTimeout(this.#timer)
    this.#flush(2000)
    this.#guard(() => this.#rows?.prune())
    this.#guard(() => this.#db?.close())
    this.#db = this.#rows = undefined
    if (this.#isTorn) await this.#replace()
  }

  #write(write: Write): void {
    if (!this.#rows || this.#waiting.size >= MOST_WAITING) return
    // The use of an entry must not push out the entry.
    if (write.what === 'use' && this.#waiting.has(write.path)) return
    this.#waiting.set(write.path, write)
    // A saved state is rare, and for the next run if this one is killed.
    if (write.what === 'partial' || this.#waiting.size % FLUSH_AT === 0) this.#flush(50)
    this.#timer ??= setTimeout(() => this.#flush(50), FLUSH_AFTER_MS).unref()
  }

  /** In one transaction. While another process holds the lock for longer than `patienceMs` it all waits on. */
  #flush(patienceMs: number): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    if (!this.#rows || this.#waiting.size === 0) return
    try {
      this.#rows.write([...this.#waiting.values()], patienceMs)
      this.#waiting.clear()
    } catch (error) {
      if (!systemCodeOf(error)?.startsWith('SQLITE_BUSY')) return this.#giveUp(error)
      this.#timer = setTimeout(() => this.#flush(50), FLUSH_AFTER_MS).unref()
    }
  }

  #guard<T>(act: () => T): T | undefined {
    try {
      return act()
    } catch (error) {
      if (!systemCodeOf(error)?.startsWith('SQLITE_BUSY')) this.#giveUp(error)
      return undefined
    }
  }

  /** From now on it is like none. */
  #giveUp(error: unknown): void {
    this.#isTorn ||= /^SQLITE_(NOTADB|CORRUPT)/.test(systemCodeOf(error) ?? '')
    this.#rows = undefined
    this.#waiting.clear()
  }

  async #replace(): Promise<void> {
    await renew(this.#folder).then(
      (db) => db?.close(),
      () => undefined,
    )
  }
}

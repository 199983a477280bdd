import { setTimeout as sleep } from 'node:timers/promises'
import { parseSha256, type Md5, type Sha256 } from '../contract.js'
import { diskError, FerryError, isErrno } from '../errors.js'
import { DigestThread } from './digest-thread.js'
import type { Digest } from './digest-worker.js'
import type { Ledger } from './ledger.js'
import type { Content, Stored } from './rows.js'
import type { Shelf } from './shelf.js'

/** How long somebody waits for a file to be read, in milliseconds and at most, before he is asked to come again. */
const PATIENCE = 15_000
const RETRY_AFTER = 5
/** Bytes a second, at most, for what has been lying on the shelf; what has just come is in memory. */
const RATE = 32 * 1024 * 1024
/** Contents that have just come, at most; the others are found in the ledger. */
const MOST_FRESH = 10_000
/** What could not be read is tried again after so many milliseconds. */
const HOUR = 3_600_000
const MINUTE = 60_000

/**
 * The SHA-256 of contents. MD5 tells contents apart only where nobody means harm; this tells them apart for whoever
 * declares one. It is recorded once, of bytes whose MD5 was seen to be right: by an upload that has just ended, or in the
 * same read. Read at leisure, after the answers, in a thread that everything else goes before; or on the spot.
 */
export class Fingerprints {
  readonly #leisure = new DigestThread(true)
  readonly #spot = new DigestThread(false)
  readonly #asked = new Map<Md5, Promise<Sha256 | undefined>>()
  readonly #fresh = new Set<Md5>()
  readonly #stop = new AbortController()
  #running: Promise<void> = Promise.resolve()
  #wake: () => void = () => undefined

  readonly #patience: number

  /** `leaseSeconds`: for so long a connection may be silent. */
  constructor(
    readonly shelf: Shelf,
    readonly ledger: Ledger,
    leaseSeconds: number,
  ) {
    this.#patience = Math.min(PATIENCE, leaseSeconds * 500)
  }

  /** Begins to read what has no SHA-256 yet; that stands in the ledger, so a restart goes on with it. */
  start(onTrouble: (error: unknown) => void): void {
    this.#running = this.#run(onTrouble)
  }

  /** An upload has brought this content. */
  stored({ md5, sha256 }: Content): void {
    if (sha256 || this.#fresh.size >= MOST_FRESH) return
    this.#fresh.add(md5)
    this.#wake()
  }

  /**
   * The SHA-256 of a content, read now if nobody has; undefined where its file is gone, or is not what its name says.
   * Errors: `hash-pending` (it takes longer; the reading goes on), `io-failed`.
   */
  of(content: Stored): Promise<Sha256 | undefined> {
    const { md5, sha256 } = content
    if (sha256) return Promise.resolve(sha256)
    let asked = this.#asked.get(md5)
    if (!asked) {
      asked = this.#readNow(content).finally(() => this.#asked.delete(md5))
      this.#asked.set(md5, asked)
    }
    return this.inTime(asked)
  }

  /** The SHA-256 of the first so many bytes of any file. Errors: `io-failed`. */
  async read(path: string, bytes: number): Promise<Sha256> {
    try {
      const { sha256 } = await this.#spot.read({ path, bytes, withMd5: false, rate: 0 })
      return parseSha256(sha256) as Sha256
    } catch (error) {
      throw diskError(error, 'reading the part')
    }
  }

  /** Throws `hash-pending` where it takes long; what was begun goes on, and the next one to ask finds it further. */
  async inTime<T>(reading: Promise<T>): Promise<T> {
    const over = new AbortController()
    const late = sleep(this.#patience, undefined, { signal: over.signal }).then(() => {
      throw new FerryError('hash-pending', 'the server reads the file for its SHA-256; try again soon', {
        retryAfter: RETRY_AFTER,
      })
    })
    late.catch(() => undefined)
    reading.catch(() => undefined)
    try {
      return await Promise.race([reading, late])
    } finally {
      over.abort()
    }
  }

  /** Ends the threads; nothing is read or recorded any more. */
  async close(): Promise<void> {
    this.#stop.abort()
    this.#wake()
    await Promise.all([this.#leisure.close(), this.#spot.close()])
    await this.#running
  }

  async #readNow(content: Stored): Promise<Sha256 | undefined> {
    const { md5, file } = content
    try {
      const digest = await this.#spot.read({ path: this.shelf.path(file), withMd5: true, rate: 0 })
      if (digest.md5 !== md5) return undefined
      await this.#record(content, digest)
      return parseSha256(digest.sha256)
    } catch (error) {
      if (isErrno(error, 'ENOENT')) return undefined
      throw diskError(error, 'reading a file of the shelf')
    }
  }

  async #run(onTrouble: (error: unknown) => void): Promise<void> {
    const { signal } = this.#stop
    let last = ''
    while (!signal.aborted) {
      try {
        const isFresh = this.#fresh.size > 0
        const next = isFresh ? this.#nextFresh() : this.ledger.read.contentWithoutSha256(last)
        if (next && !isFresh) last = next.md5
        if (next) await this.#readAtLeisure(next, isFresh)
        else if (!isFresh && (await this.#rest(HOUR))) last = ''
      } catch (error) {
        if (signal.aborted) return
        onTrouble(error)
        await this.#rest(MINUTE)
      }
    }
  }

  #nextFresh(): Content | undefined {
    const [md5] = this.#fresh
    this.#fresh.delete(md5!)
    const content = this.shelf.find(md5!)
    return content?.sha256 ? undefined : content
  }

  /** The MD5 of what has just come is known to be right. What is wrong or gone is for the scrub to find. */
  async #readAtLeisure(content: Content, isFresh: boolean): Promise<void> {
    const path = this.shelf.path(content.file)
    try {
      const digest = await this.#leisure.read({ path, withMd5: !isFresh, rate: isFresh ? 0 : RATE })
      if (isFresh || digest.md5 === content.md5) await this.#record(content, digest)
    } catch (error) {
      if (!isErrno(error, 'ENOENT')) throw error
    }
  }

  #record({ md5, file }: Content, { sha256, size, inode, touchedAt }: Digest): Promise<void> {
    const facts = { size, inode, touchedAt, path: this.shelf.path(file) }
    return this.ledger.write('fingerprint', { md5, file, sha256: parseSha256(sha256) as Sha256, ...facts })
  }

  /** Until something has come; true where so many milliseconds have passed first. */
  async #rest(milliseconds: number): Promise<boolean> {
    const awake = new AbortController()
    this.#wake = () => awake.abort()
    const { signal } = awake
    if (this.#stop.signal.aborted || this.#fresh.size > 0) return false
    return sleep(milliseconds, true, { signal, ref: false }).catch(() => false)
  }
}

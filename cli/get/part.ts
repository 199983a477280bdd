import { type FileHandle, open, rm } from 'node:fs/promises'
import type { Md5 } from '../../src/contract.js'
import type { Facts } from './facts.js'
import { Ranges } from '../../src/spread/ranges.js'
import { type PartRecord, writeRecord } from './record.js'
import type { Slot } from './slot.js'

const SAVE_EVERY_BYTES = 32 * 1024 * 1024
const SAVE_EVERY_MS = 500

/**
 * A file on its way: bytes come in anywhere, and a record says which of them are there. What was recorded is on disk, so a
 * kill loses half a second, and a power cut not more.
 */
export class Part {
  readonly size: number
  readonly #handle: FileHandle
  readonly #recordPath: string
  readonly #md5: Md5
  readonly #etag: string | undefined
  readonly #have: Ranges
  #unsaved = 0
  #savedAt = performance.now()
  #saving: Promise<void> | undefined
  #failure: unknown

  /** Opens the part in `slot` with what `kept` says of it, or empty. Throws the system's errors. */
  static async open(slot: Slot, md5: Md5, facts: Facts, kept: PartRecord | undefined): Promise<Part> {
    const identity = { md5, size: facts.size, etag: facts.etag }
    // The record goes first: a part without one would be nobody's.
    if (!kept) await writeRecord(slot.record, { ...identity, have: new Ranges() })
    // Not cut but removed: a run killed at its very end may have left the file with its final name, too.
    if (!kept) await rm(slot.part, { force: true })
    const handle = await open(slot.part, 'r+').catch(() => open(slot.part, 'w+', 0o666))
    try {
      const { size } = await handle.stat()
      // Sparse: every range has its place from the start.
      if (size !== facts.size) await handle.truncate(facts.size)
      return new Part(handle, slot.record, identity, kept ? kept.have.within(size) : new Ranges())
    } catch (error) {
      await handle.close()
      throw error
    }
  }

  private constructor(
    handle: FileHandle,
    recordPath: string,
    { md5, size, etag }: Omit<PartRecord, 'have'>,
    have: Ranges,
  ) {
    this.size = size
    this.#handle = handle
    this.#recordPath = recordPath
    this.#md5 = md5
    this.#etag = etag
    this.#have = have
  }

  /** How many bytes are there. */
  get total(): number {
    return this.#have.total
  }

  /** How many bytes are there without a gap from the beginning on. */
  get front(): number {
    return this.#have.front
  }

  gaps(): ReturnType<Ranges['gaps']> {
    return this.#have.gaps(this.size)
  }

  /** Writes bytes at their position. Fails, too, where keeping the record has failed. */
  async write(bytes: Buffer, position: number): Promise<void> {
    if (this.#failure) throw this.#failure
    for (let done = 0; done < bytes.length;) {
      const { bytesWritten } = await this.#handle.write(bytes, done, bytes.length - done, position + done)
      done += bytesWritten
    }
    this.#have.add({ start: position, end: position + bytes.length })
    this.#unsaved += bytes.length
    if (this.#isDue) void this.save().catch((error: unknown) => (this.#failure = error))
  }

  /** Reads into the buffer from `position` on; how many bytes it got. */
  async read(buffer: Buffer, position: number): Promise<number> {
    return (await this.#handle.read(buffer, 0, buffer.length, position)).bytesRead
  }

  /** Brings the bytes and then the record to disk. */
  async save(): Promise<void> {
    await this.#saving
    if (this.#unsaved === 0) return
    this.#saving = this.#save().finally(() => (this.#saving = undefined))
    return this.#saving
  }

  /** Brings every byte to disk, for good. */
  sync(): Promise<void> {
    return this.#handle.sync()
  }

  async close(): Promise<void> {
    await this.#saving?.catch(() => undefined)
    await this.#handle.close()
  }

  get #isDue(): boolean {
    if (this.#saving) return false
    return this.#unsaved >= SAVE_EVERY_BYTES || performance.now() - this.#savedAt >= SAVE_EVERY_MS
  }

  async #save(): Promise<void> {
    const have = this.#have.within(this.size)
    this.#unsaved = 0
    await this.#handle.datasync()
    await writeRecord(this.#recordPath, { md5: this.#md5, size: this.size, etag: this.#etag, have })
    this.#savedAt = performance.now()
  }
}

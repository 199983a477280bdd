import { randomBytes } from 'node:crypto'
import { open, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { diskError } from '../errors.js'
import { DirectorySync } from './durable.js'

const NAME = 'spare'
/** SQLite's index of its log takes 32 KiB for each 4,096 pages that the log has. */
const BYTES = 256 * 1024

/** Room in the ledger's folder for the next start, which needs some before it can do anything, and may find a full disk. */
export class Spare {
  readonly #file: string

  constructor(readonly folder: string) {
    this.#file = join(folder, NAME)
  }

  /** Gives it to whoever writes next. Errors: the system's. */
  async give(): Promise<void> {
    await rm(this.#file, { force: true })
    // Until then its blocks are nobody's.
    await new DirectorySync(this.folder).sync()
  }

  /** Takes it for the next time; where there is no room for it, it is done without. Errors: the system's. */
  async keep(): Promise<void> {
    try {
      await this.#write()
    } catch (error) {
      await rm(this.#file, { force: true })
      if (diskError(error, 'keeping room for a start').code !== 'disk-full') throw error
    }
  }

  /** Of random bytes: nothing else takes room on every file system. */
  async #write(): Promise<void> {
    const file = await open(this.#file, 'w')
    try {
      await file.writeFile(randomBytes(BYTES))
      await file.sync()
    } finally {
      await file.close()
    }
  }
}

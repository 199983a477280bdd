import type Database from 'libsql'
import { access, mkdir, rename } from 'node:fs/promises'
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import { diskError, FerryError, isErrno } from '../errors.js'
import { DirectorySync } from './durable.js'
import { connect, isGarbage } from './ledger-schema.js'
import { reads, type Reads } from './ledger-reads.js'
import { occupy } from './occupy.js'
import { Spare } from './spare.js'
import { expectReadable, isTorn } from './torn.js'
import type { Verbs } from './ledger-verbs.js'
import type { Order, Outcome } from './ledger-worker.js'

const FOLDER = '.ledger'

/** There is no ledger in a folder that should be a shelf. */
export class NoLedger extends Error {
  override readonly name = 'NoLedger'

  constructor(readonly shelf: string) {
    super(`there is no ledger in ${shelf}`)
  }
}

/**
 * The embedded index of what is on the shelf and which uploads are open. Reads are synchronous, on this thread, and
 * see everything that `write` has resolved; writes are committed, durable, by a thread of their own.
 */
export class Ledger {
  readonly #waiting = new Map<
    number,
    { resolve: (result: unknown) => void; reject: (error: Error) => void }
  >()
  readonly read: Reads
  #db: Database.Database
  #number = 0
  #handed: Order[] = []
  #broken: FerryError | undefined
  readonly #ended: Promise<void>

  private constructor(
    db: Database.Database,
    readonly file: string,
    readonly worker: Worker,
    readonly occupied: { close(): void },
  ) {
    this.#db = db
    this.read = mending(reads(db), () => reads(this.#reconnect()))
    worker.on('message', (outcomes: Outcome[]) => outcomes.forEach((outcome) => this.#settle(outcome)))
    worker.on('error', (error) => this.#break(error))
    worker.on('exit', () => this.#break(new Error('the ledger is closed')))
    this.#ended = new Promise((resolve) => void worker.once('exit', () => resolve()))
  }

  /**
   * Opens the ledger in the shelf's folder (SQLITE_BUSY where another server has it), making it where it is missing. A torn one is moved aside (`torn` tells
   * where to) and begun anew: the scan of the shelf fills it again.
   */
  static async open(shelf: string): Promise<{ ledger: Ledger; torn: string | undefined }> {
    const occupied = occupy(shelf)
    try {
      return await Ledger.#make(shelf, occupied)
    } catch (error) {
      occupied.close()
      throw error
    }
  }

  static async #make(
    shelf: string,
    occupied: { close(): void },
  ): Promise<{ ledger: Ledger; torn: string | undefined }> {
    const folder = join(shelf, FOLDER)
    const spare = new Spare(folder)
    let torn: string | undefined
    await mkdir(folder, { recursive: true })
    await spare.give()
    // A second look, by a fresh connection: a disk that fails to read once does not cost the open uploads.
    if (isTorn(join(folder, 'ledger.db')) && isTorn(join(folder, 'ledger.db'))) {
      torn = `${folder}.torn-${Date.now()}`
      await rename(folder, torn)
      await mkdir(folder)
    }
    const file = join(folder, 'ledger.db')
    const db = connect(file)
    try {
      await spare.keep()
      await new DirectorySync(folder).sync()
      await new DirectorySync(shelf).sync()
    } catch (error) {
      db.close()
      throw error
    }
    const worker = new Worker(new URL('./ledger-worker.js', import.meta.url), { workerData: { file } })
    return { ledger: new Ledger(db, file, worker, occupied), torn }
  }

  /**
   * The same ledger from another process, beside a server that may be running. Rejects with NoLedger where there is
   * none yet, with SQLite's error where it is torn.
   */
  static async beside(shelf: string): Promise<Ledger> {
    if (!(await Ledger.isIn(shelf))) throw new NoLedger(shelf)
    const file = join(shelf, FOLDER, 'ledger.db')
    const db = connect(file)
    expectReadable(db)
    const worker = new Worker(new URL('./ledger-worker.js', import.meta.url), { workerData: { file } })
    return new Ledger(db, file, worker, { close: () => undefined })
  }

  /** Whether a folder has a ledger, be it torn. */
  static async isIn(shelf: string): Promise<boolean> {
    try {
      await access(join(shelf, FOLDER, 'ledger.db'))
      return true
    } catch (error) {
      if (isErrno(error, 'ENOENT', 'ENOTDIR')) return false
      throw error
    }
  }

  /** Commits one change; resolves when it is on disk. Rejects with `disk-full` or `io-failed`: nothing has changed. */
  write<V extends keyof Verbs>(verb: V, argument: Parameters<Verbs[V]>[0]): Promise<ReturnType<Verbs[V]>> {
    if (this.#broken) return Promise.reject(this.#broken)
    const number = this.#number++
    return new Promise((resolve, reject) => {
      this.#waiting.set(number, { resolve: resolve as (result: unknown) => void, reject })
      if (this.#handed.push({ number, verb, argument }) === 1) setImmediate(() => this.#handOver())
    })
  }

  /** All orders of one turn of the event loop in one message. */
  #handOver(): void {
    if (this.#handed.length > 0) this.worker.postMessage(this.#handed)
    this.#handed = []
  }

  /** Ends both connections; what was handed to `write` before is committed first. */
  async close(): Promise<void> {
    this.#handOver()
    this.worker.postMessage('close')
    await this.#ended
    this.#db.close()
    this.occupied.close()
  }

  #reconnect(): Database.Database {
    const old = this.#db
    this.#db = connect(this.file)
    old.close()
    return this.#db
  }

  #settle({ number, result, error }: Outcome): void {
    const waiting = this.#waiting.get(number)
    this.#waiting.delete(number)
    if (!error) return waiting?.resolve(result)
    waiting?.reject(
      diskError(Object.assign(new Error(error.message), { code: error.code }), 'writing the ledger'),
    )
  }

  #break(cause: Error): void {
    this.#broken ??= new FerryError(
      'io-failed',
      'the ledger can no longer be written; the server must be restarted',
      {
        cause,
      },
    )
    for (const { reject } of this.#waiting.values()) reject(this.#broken)
    this.#waiting.clear()
  }
}

/**
 * What one connection takes for garbage, a fresh one reads again. Not so the generators: they have given out something
 * by then, and who reads one begins anew.
 */
function mending(first: Reads, again: () => Reads): Reads {
  let now = first
  const verb = (name: keyof Reads) => (argument: never, options: never) => {
    try {
      return now[name](argument, options)
    } catch (error) {
      if (!isGarbage(error)) throw error
      now = again()
      return now[name](argument, options)
    }
  }
  const names = Object.keys(first) as (keyof Reads)[]
  return Object.fromEntries(names.map((name) => [name, verb(name)])) as unknown as Reads
}

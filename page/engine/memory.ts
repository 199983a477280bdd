import { openDB, type DBSchema, type IDBPDatabase } from 'idb'
import type { Md5 } from '../../src/contract.js'
import type { Past } from './ferry.js'

/** An upload that has been begun, by the file it is of. */
export interface UploadRecord {
  readonly key: string
  readonly name: string
  /** Bytes. */
  readonly size: number
  /** Its id on the server; undefined before it has one. */
  readonly upload: string | undefined
  /** The tab that is at it. */
  readonly tab: string
  /** When it was begun, in milliseconds since 1970. */
  readonly at: number
}

interface Schema extends DBSchema {
  client: { key: 'id'; value: string }
  uploads: { key: string; value: UploadRecord }
  history: { key: Md5; value: Past }
}

// Else the browser would say "kept" while it still is on its way, and lose it when it is killed.
const DURABLE = { durability: 'strict' } as const
/** So many links of earlier uploads are kept. */
const MOST_PAST = 500

/** What the page remembers from one visit to the next. */
export interface Memory {
  /** The secret id by which the server knows this browser again. */
  client(): Promise<string>
  uploads(): Promise<UploadRecord[]>
  /**
   * Writes a record, in one step with a look at what is there: false where that is not what `expected` says (the tab
   * that had it when it was read; undefined: nobody).
   */
  claim(record: UploadRecord, expected: string | undefined): Promise<boolean>
  upload(key: string): Promise<UploadRecord | undefined>
  keep(record: UploadRecord): Promise<void>
  forget(key: string): Promise<void>
  history(): Promise<Past[]>
  remember(past: Past): Promise<void>
  clearHistory(): Promise<void>
}

/** In IndexedDB; where the browser has none to give, or not any more, for as long as the page is open. */
export async function openMemory(): Promise<Memory> {
  try {
    const database = await openDB<Schema>('ferry', 1, {
      upgrade(db) {
        db.createObjectStore('client')
        db.createObjectStore('uploads', { keyPath: 'key' })
        db.createObjectStore('history', { keyPath: 'md5' })
      },
      // Another tab has a newer page, or clears it all, and would wait for us.
      blocking: (_ours, _theirs, event) => (event.target as IDBDatabase).close(),
    })
    return new SteadyMemory(new LastingMemory(database))
  } catch {
    return new PassingMemory()
  }
}

/** A random id of 32 hex digits. */
export function randomId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16))
  return [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('')
}

/** Never fails: a database that is full, broken or closed is no reason not to carry a file. */
class SteadyMemory implements Memory {
  #memory: Memory

  constructor(lasting: Memory) {
    this.#memory = lasting
  }

  async #use<T>(action: (memory: Memory) => Promise<T>): Promise<T> {
    const memory = this.#memory
    try {
      return await action(memory)
    } catch {
      // Many may fail at once: they all go on with the same one.
      if (this.#memory === memory) this.#memory = new PassingMemory()
      return action(this.#memory)
    }
  }

  client = () => this.#use((memory) => memory.client())
  uploads = () => this.#use((memory) => memory.uploads())
  upload = (key: string) => this.#use((memory) => memory.upload(key))
  claim = (record: UploadRecord, expected: string | undefined) =>
    this.#use((memory) => memory.claim(record, expected))
  keep = (record: UploadRecord) => this.#use((memory) => memory.keep(record))
  forget = (key: string) => this.#use((memory) => memory.forget(key))
  history = () => this.#use((memory) => memory.history())
  remember = (past: Past) => this.#use((memory) => memory.remember(past))
  clearHistory = () => this.#use((memory) => memory.clearHistory())
}

class LastingMemory implements Memory {
  constructor(readonly database: IDBPDatabase<Schema>) {}

  async client(): Promise<string> {
    const change = this.database.transaction('client', 'readwrite', DURABLE)
    const id = (await change.store.get('id')) ?? randomId()
    await Promise.all([change.store.put(id, 'id'), change.done])
    return id
  }

  uploads(): Promise<UploadRecord[]> {
    return this.database.getAll('uploads')
  }

  upload(key: string): Promise<UploadRecord | undefined> {
    return this.database.get('uploads', key)
  }

  async claim(record: UploadRecord, expected: string | undefined): Promise<boolean> {
    const change = this.database.transaction('uploads', 'readwrite', DURABLE)
    const isAsExpected = (await change.store.get(record.key))?.tab === expected
    if (isAsExpected) await change.store.put(record)
    await change.done
    return isAsExpected
  }

  async keep(record: UploadRecord): Promise<void> {
    const change = this.database.transaction('uploads', 'readwrite', DURABLE)
    await Promise.all([change.store.put(record), change.done])
  }

  async forget(key: string): Promise<void> {
    await this.database.delete('uploads', key)
  }

  async history(): Promise<Past[]> {
    const all = await this.database.getAll('history')
    const sorted = all.toSorted((a, b) => b.at - a.at)
    // Here and not with each new one, of which there may be thousands.
    for (const { md5 } of sorted.slice(MOST_PAST)) await this.database.delete('history', md5)
    return sorted.slice(0, MOST_PAST)
  }

  async remember(past: Past): Promise<void> {
    await this.database.put('history', past)
  }

  async clearHistory(): Promise<void> {
    await this.database.clear('history')
  }
}

class PassingMemory implements Memory {
  readonly #client = randomId()
  readonly #uploads = new Map<string, UploadRecord>()
  readonly #history = new Map<Md5, Past>()

  client(): Promise<string> {
    return Promise.resolve(this.#client)
  }

  uploads(): Promise<UploadRecord[]> {
    return Promise.resolve([...this.#uploads.values()])
  }

  upload(key: string): Promise<UploadRecord | undefined> {
    return Promise.resolve(this.#uploads.get(key))
  }

  claim(record: UploadRecord, expected: string | undefined): Promise<boolean> {
    const isAsExpected = this.#uploads.get(record.key)?.tab === expected
    if (isAsExpected) this.#uploads.set(record.key, record)
    return Promise.resolve(isAsExpected)
  }

  keep(record: UploadRecord): Promise<void> {
    this.#uploads.set(record.key, record)
    return Promise.resolve()
  }

  forget(key: string): Promise<void> {
    this.#uploads.delete(key)
    return Promise.resolve()
  }

  history(): Promise<Past[]> {
    return Promise.resolve([...this.#history.values()].toReversed())
  }

  remember(past: Past): Promise<void> {
    this.#history.delete(past.md5)
    this.#history.set(past.md5, past)
    return Promise.resolve()
  }

  clearHistory(): Promise<void> {
    this.#history.clear()
    return Promise.resolve()
  }
}

import { setMaxListeners } from 'node:events'
import { availableParallelism } from 'node:os'
import { resolve as absolute } from 'node:path'
import type { Md5 } from '../../src/contract.js'
import type { LocalFile } from '../local-file.js'
import type { Digests } from './digests.js'
import type { HashCache } from './hash-cache.js'
import { type HashJob, SMALL_FILE } from './hash-job.js'
import { type HashTask, HashThread } from './hash-thread.js'

interface HasherOptions {
  cache: HashCache
  /** At most so many threads; they are started when there is work. */
  threads?: number
  /**
   * From this size on, in bytes, an interrupted hashing goes on where it was. What is smaller is hashed by node:crypto,
   * which is a quarter faster and takes some 6 s for so much: then that is what an interruption costs.
   */
  resumableFrom?: number
  /** Bytes between two saved states; they are saved every 5 s in any case. */
  saveEvery?: number
  /** Another thread's code. */
  script?: URL
}

interface HashWish {
  /** Called with the bytes hashed so far, about ten times a second; not for a file that the cache knows. */
  onProgress?: (bytes: number) => void
  signal?: AbortSignal
  /** The SHA-256, too, in the same read; then an interrupted hashing begins anew: its state can't be put aside. */
  withSha256?: boolean
}

const GIB = 1024 ** 3
const BATCH = 64

/**
 * The MD5 of files, computed in threads so that the transfer on this one is not disturbed. One for a run; `close` it.
 * Files are taken in the order they were asked for, small ones several at once.
 */
export class Hasher {
  readonly #cache: HashCache
  readonly #options: Required<Omit<HasherOptions, 'cache'>>
  readonly #queue = new Set<HashTask>()
  #threads: HashThread[] = []
  #number = 0
  #isDispatching = false
  #isClosed = false

  constructor({ cache, ...options }: HasherOptions) {
    this.#cache = cache
    this.#options = {
      // One core is left to the transfer; two threads at least, so that small files pass a big one.
      threads: Math.max(2, Math.min(4, availableParallelism() - 1)),
      resumableFrom: 4 * GIB,
      saveEvery: GIB,
      script: new URL('./hash-worker.js', import.meta.url),
      ...options,
    }
  }

  /**
   * The MD5 of the whole file as it was when it was opened, from the cache if that knows it. Rejects with
   * `file-changed`, `file-unreadable`, `unexpected` (the thread broke down) or the signal's reason.
   */
  async hash(file: LocalFile, wish?: HashWish): Promise<Md5> {
    return (await this.digests(file, wish)).md5
  }

  /** The same, with the SHA-256 where that is wanted. */
  async digests(
    file: LocalFile,
    { onProgress = () => undefined, signal, withSha256 = false }: HashWish = {},
  ): Promise<Digests> {
    signal?.throwIfAborted()
    const known = this.#cache.digests(file.path, file.snapshot)
    if (known && !withSha256) return { md5: known.md5 }
    if (known?.sha256) return known
    if (this.#isClosed) throw new Error('the hasher is closed')

    const job = this.#jobFor(file, withSha256)
    let abort!: () => void
    try {
      return await new Promise<Digests>((resolve, reject) => {
        const task: HashTask = { file, job, onProgress, resolve, reject }
        abort = () => this.#abort(task, signal?.reason)
        // Many files may share one signal: the eleventh listener is no leak.
        if (signal) setMaxListeners(0, signal)
        signal?.addEventListener('abort', abort)
        this.#queue.add(task)
        this.#dispatchSoon()
      })
    } finally {
      signal?.removeEventListener('abort', abort)
    }
  }

  /** Ends the threads. Who still waits gets an AbortError; how far big files came is kept. */
  async close(): Promise<void> {
    this.#isClosed = true
    const reason = new DOMException('the hasher is closed', 'AbortError')
    for (const { reject } of this.#queue) reject(reason)
    this.#queue.clear()
    await Promise.all(this.#threads.map((thread) => thread.stop(reason)))
  }

  #jobFor({ path, size, snapshot }: LocalFile, withSha256: boolean): HashJob {
    const isResumable = size >= this.#options.resumableFrom && !withSha256
    return {
      number: this.#number++,
      path: absolute(path),
      snapshot,
      withSha256,
      saveEvery: isResumable ? this.#options.saveEvery : undefined,
      resume: isResumable ? this.#cache.findPartial(path, snapshot) : undefined,
    }
  }

  #abort(task: HashTask, reason: unknown): void {
    task.onProgress = () => undefined
    task.reject(reason)
    if (!this.#queue.delete(task)) this.#threads.forEach((thread) => thread.abort(task.job.number))
  }

  /** Not before everything that is asked for in this turn is in the queue: so it can travel together. */
  #dispatchSoon(): void {
    if (this.#isDispatching) return
    this.#isDispatching = true
    queueMicrotask(() => {
      this.#isDispatching = false
      this.#dispatch()
    })
  }

  #dispatch(): void {
    this.#threads = this.#threads.filter(({ isGone }) => !isGone)
    while (this.#queue.size > 0) {
      const thread = this.#freeThread()
      if (!thread) return
      thread.work(this.#nextBatch())
    }
  }

  #freeThread(): HashThread | undefined {
    const free = this.#threads.find(({ isFree }) => isFree)
    if (free || this.#threads.length >= this.#options.threads) return free
    const thread = new HashThread(this.#options.script, this.#cache, () => this.#dispatchSoon())
    this.#threads.push(thread)
    return thread
  }

  /** One big file, or the small ones up to the next big one. */
  #nextBatch(): HashTask[] {
    const batch: HashTask[] = []
    for (const task of this.#queue) {
      const isSmall = task.file.size <= SMALL_FILE
      if (batch.length > 0 && !isSmall) break
      batch.push(task)
      this.#queue.delete(task)
      if (!isSmall || batch.length === BATCH) break
    }
    return batch
  }
}

import { Worker } from 'node:worker_threads'
import type { Digest, Digested, DigestOrder } from './digest-worker.js'

/** After so many milliseconds without work the thread ends; the next work has a new one. */
const IDLE = 10_000

interface Waiting {
  resolve: (digest: Digest) => void
  reject: (error: Error) => void
}

/** Reads files for their digests, one after the other, in a thread of its own; that is there only while there is work. */
export class DigestThread {
  readonly #waiting = new Map<number, Waiting>()
  #worker: Worker | undefined
  #idle: NodeJS.Timeout | undefined
  #number = 0
  #isClosed = false

  /** `isNice`: everything else goes first. */
  constructor(readonly isNice: boolean) {}

  /** Rejects with the system's error, also where the file changes meanwhile. */
  read(order: Omit<DigestOrder, 'number'>): Promise<Digest> {
    if (this.#isClosed) return Promise.reject(new Error('the reading thread has been closed'))
    clearTimeout(this.#idle)
    const worker = (this.#worker ??= this.#hire())
    const number = this.#number++
    return new Promise((resolve, reject) => {
      this.#waiting.set(number, { resolve, reject })
      worker.postMessage({ number, ...order } satisfies DigestOrder)
    })
  }

  /** Ends the thread; whoever waits hears of it as of an error. */
  async close(): Promise<void> {
    this.#isClosed = true
    clearTimeout(this.#idle)
    await this.#worker?.terminate()
  }

  #hire(): Worker {
    const url = new URL('./digest-worker.js', import.meta.url)
    const worker = new Worker(url, { workerData: { isNice: this.isNice } })
    worker.on('message', (digested: Digested) => this.#hear(digested))
    worker.on('error', (error) => this.#lose(worker, error))
    worker.on('exit', () => this.#lose(worker, new Error('the reading thread ended')))
    return worker
  }

  #hear(digested: Digested): void {
    const waiting = this.#waiting.get(digested.number)
    this.#waiting.delete(digested.number)
    if ('digest' in digested) waiting?.resolve(digested.digest)
    else waiting?.reject(Object.assign(new Error(digested.failed.message), { code: digested.failed.code }))
    if (this.#waiting.size > 0) return
    const worker = this.#worker
    this.#idle = setTimeout(() => {
      this.#worker = undefined
      void worker?.terminate()
    }, IDLE).unref()
  }

  #lose(worker: Worker, error: Error): void {
    if (this.#worker !== worker) return
    this.#worker = undefined
    for (const { reject } of this.#waiting.values()) reject(error)
    this.#waiting.clear()
  }
}

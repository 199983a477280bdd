import { parseMd5, type Md5 } from '../../src/contract.js'
import { Problem } from '../engine/problem.js'
import type { News, Order } from './protocol.js'

/** The hashing of one file, which can be interrupted and gone on with. */
export class Hashing {
  /** Bytes hashed so far. */
  at = 0
  /** Where it was interrupted, with the MD5's state there: what to go on from. */
  saved: { at: number; state: Uint8Array } | undefined

  constructor(readonly file: Blob) {}

  get left(): number {
    return this.file.size - this.at
  }
}

interface Job {
  readonly number: number
  readonly hashing: Hashing
  readonly onProgress: (bytes: number) => void
  readonly resolve: (md5: Md5) => void
  readonly reject: (error: unknown) => void
  /** Whoever wanted it does not any more. */
  isLeft: boolean
}

/** A file makes room for another of which less than a quarter as much is left. */
const MUCH_SMALLER = 4

/** A thread that has not heeded a stop for so many milliseconds hangs in a read, on a medium that does not answer. */
const HEED_MS = 10_000

/** One thread that hashes one file at a time, the smallest first: a small file does not wait for a big one. */
export class Hasher {
  readonly #createWorker: () => Worker
  readonly #isLineDown: () => Promise<boolean>
  #worker: Worker | undefined
  /** By what is left of them, the smallest first. */
  #waiting: Job[] = []
  #running: Job | undefined
  /** The running one has been told to stop; it has not answered yet. */
  #isStopping = false
  #heeding: ReturnType<typeof setTimeout> | undefined
  #jobs = 0

  /** `isLineDown`: whether that is why the thread's script could not be loaded. */
  constructor(createWorker: () => Worker, isLineDown: () => Promise<boolean>) {
    this.#createWorker = createWorker
    this.#isLineDown = isLineDown
  }

  /**
   * The MD5 of a file, at last. `onProgress` hears how many bytes are hashed. Throws Problems (`unreadable`, `no-hash`,
   * `unreachable`), or the signal's reason: then what has been done is kept in the hashing for the next time.
   */
  hash(hashing: Hashing, signal: AbortSignal, onProgress: (bytes: number) => void): Promise<Md5> {
    return new Promise<Md5>((resolve, reject) => {
      const job: Job = { number: ++this.#jobs, hashing, onProgress, resolve, reject, isLeft: false }
      const leave = (): void => this.#leave(job, signal.reason)
      signal.addEventListener('abort', leave, { once: true })
      if (signal.aborted) return reject(signal.reason as Error)
      this.#wait(job)
      this.#next()
    })
  }

  /** Thousands may wait: each finds its place without a look at all of them. */
  #wait(job: Job): void {
    let [from, to] = [0, this.#waiting.length]
    while (from < to) {
      const middle = (from + to) >> 1
      if (this.#waiting[middle]!.hashing.left <= job.hashing.left) from = middle + 1
      else to = middle
    }
    this.#waiting.splice(from, 0, job)
  }

  /** Begins the smallest that waits, or makes the running one give way to it. */
  #next(): void {
    const smallest = this.#waiting[0]
    if (!smallest) return
    const running = this.#running
    if (!running) return this.#begin(smallest)
    if (smallest.hashing.left * MUCH_SMALLER < running.hashing.left) this.#stop(running)
  }

  #begin(job: Job): void {
    this.#waiting.shift()
    this.#running = job
    this.#isStopping = false
    const { file, saved } = job.hashing
    try {
      this.#tell({ kind: 'begin', job: job.number, file, at: saved?.at ?? 0, state: saved?.state })
    } catch (error) {
      void this.#fail(String(error))
    }
  }

  #stop(running: Job): void {
    if (this.#isStopping) return
    this.#isStopping = true
    this.#tell({ kind: 'stop', job: running.number })
    this.#heeding = setTimeout(() => this.#abandon(running), HEED_MS)
  }

  /** Others go on with a new thread; what is still wanted begins where it was last interrupted. */
  #abandon(running: Job): void {
    this.#worker?.terminate()
    this.#worker = undefined
    this.#running = undefined
    running.hashing.at = running.hashing.saved?.at ?? 0
    if (!running.isLeft) this.#wait(running)
    this.#next()
  }

  #leave(job: Job, reason: unknown): void {
    this.#waiting = this.#waiting.filter((other) => other !== job)
    if (job === this.#running) this.#stop(job)
    job.isLeft = true
    job.reject(reason)
  }

  #tell(order: Order): void {
    this.#worker ??= this.#open()
    this.#worker.postMessage(order)
  }

  #open(): Worker {
    const worker = this.#createWorker()
    worker.addEventListener('message', ({ data }: MessageEvent<News>) => this.#hear(data))
    worker.addEventListener('error', ({ message }) => {
      worker.terminate()
      this.#worker = undefined
      void this.#fail(message || 'the worker did not start')
    })
    return worker
  }

  /** The thread has not come up, or has come to grief: nobody may wait for it. */
  async #fail(detail: string): Promise<void> {
    clearTimeout(this.#heeding)
    const jobs = [...this.#waiting, ...(this.#running ? [this.#running] : [])]
    this.#waiting = []
    this.#running = undefined
    const kind = (await this.#isLineDown()) ? 'unreachable' : 'no-hash'
    for (const { reject } of jobs) reject(new Problem(kind, detail))
  }

  #hear(news: News): void {
    const job = this.#running
    if (!job || news.job !== job.number) return
    const { hashing } = job
    if (news.kind === 'progress') {
      hashing.at = news.at
      if (!job.isLeft) job.onProgress(news.at)
      return
    }
    clearTimeout(this.#heeding)
    this.#running = undefined
    if (news.kind === 'done') job.resolve(parseMd5(news.md5) as Md5)
    if (news.kind === 'failed') job.reject(new Problem(news.why, news.detail))
    if (news.kind === 'stopped') {
      hashing.saved = { at: news.at, state: news.state }
      if (!job.isLeft) this.#wait(job)
    }
    this.#next()
  }
}

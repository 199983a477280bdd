import { Worker } from 'node:worker_threads'
import { parseMd5, parseSha256, type Md5 } from '../../src/contract.js'
import { ClientError } from '../errors.js'
import type { LocalFile } from '../local-file.js'
import type { Digests } from './digests.js'
import type { HashCache } from './hash-cache.js'
import type { FromHashWorker, HashJob, ToHashWorker } from './hash-job.js'

/** A file that somebody waits for. */
export interface HashTask {
  file: LocalFile
  job: HashJob
  onProgress: (bytes: number) => void
  resolve: (digests: Digests) => void
  reject: (error: unknown) => void
}

/** How long an aborted job may take to put its state aside: a dead network drive answers never. */
const GOODBYE_MS = 500

/** One hashing thread and what it works on. It keeps the process alive only while it works. */
export class HashThread {
  readonly #worker: Worker
  readonly #cache: HashCache
  readonly #tasks = new Map<number, HashTask>()
  readonly #onFree: () => void
  isGone = false

  /** `onFree` is called each time it has nothing to do any more, and when it is gone. */
  constructor(script: URL, cache: HashCache, onFree: () => void) {
    this.#cache = cache
    this.#onFree = onFree
    // The process's own options (`--input-type`, `--inspect-brk`) are not meant for it.
    this.#worker = new Worker(script, { execArgv: [] })
    this.#worker.on('message', (messages: FromHashWorker[]) => this.#hear(messages))
    this.#worker.on('error', (error) => this.#break(error))
    this.#worker.on('exit', (code) => this.#break(new Error(`the hashing thread ended with ${code}`)))
  }

  get isFree(): boolean {
    return this.#tasks.size === 0 && !this.isGone
  }

  work(tasks: HashTask[]): void {
    for (const task of tasks) this.#tasks.set(task.job.number, task)
    this.#worker.ref()
    this.#say({ say: 'hash', jobs: tasks.map(({ job }) => job) })
  }

  /** The thread puts the state of a big file aside before it takes up another one. */
  abort(number: number): void {
    if (this.#tasks.has(number)) this.#say({ say: 'abort', number })
  }

  /** Ends the thread; `reason` goes to everybody who still waits. */
  async stop(reason: unknown): Promise<void> {
    for (const task of this.#tasks.values()) {
      task.onProgress = () => undefined
      task.reject(reason)
      this.abort(task.job.number)
    }
    if (!this.isFree) await this.#becomesFree()
    await this.#worker.terminate()
  }

  #becomesFree(): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, GOODBYE_MS)
      const look = () => {
        if (this.#tasks.size > 0) return
        clearTimeout(timer)
        resolve()
      }
      this.#worker.on('message', look).on('exit', look)
    })
  }

  #say(message: ToHashWorker): void {
    this.#worker.postMessage(message)
  }

  #hear(messages: FromHashWorker[]): void {
    for (const message of messages) {
      const task = this.#tasks.get(message.number)
      if (task) this.#settle(task, message)
    }
    if (this.#tasks.size > 0) return
    this.#worker.unref()
    this.#onFree()
  }

  #settle(task: HashTask, message: FromHashWorker): void {
    const { file, onProgress, resolve, reject } = task
    if (message.say === 'at') return onProgress(message.hashedTo)
    if (message.say === 'saved') return this.#cache.keepPartial(file.path, message.stamp, message)
    this.#tasks.delete(message.number)
    if (message.say === 'failed') {
      const { code, reason } = message
      reject(new ClientError(code, { subject: file.shownAs, ...(reason && { reason }) }))
    } else if (message.say === 'hashed') {
      const md5 = parseMd5(message.md5) as Md5
      const sha256 = parseSha256(message.sha256)
      if (message.stamp !== undefined) this.#cache.keep(file.path, message.stamp, md5, sha256)
      onProgress(file.size)
      resolve({ md5, sha256 })
    }
  }

  #break(cause: Error): void {
    if (this.isGone) return
    this.isGone = true
    for (const { file, reject } of this.#tasks.values()) {
      reject(new ClientError('unexpected', { subject: file.shownAs, reason: cause.message }, { cause }))
    }
    this.#tasks.clear()
    this.#onFree()
  }
}

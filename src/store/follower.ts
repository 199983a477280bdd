import { availableParallelism } from 'node:os'
import { Worker } from 'node:worker_threads'
import type { Md5, Sha256 } from '../contract.js'
import { FerryError } from '../errors.js'
import { Md5Hash } from '../md5.js'
import type { FromFollower, ToFollower } from './follower-worker.js'

/** A follower's knowledge of a part: the MD5 state of its first `hashedTo` bytes. */
export interface Followed {
  hashedTo: number
  hashState: Uint8Array | undefined
}

/** What the bytes of a part are known by. */
export interface Digests {
  md5: Md5
  sha256: Sha256 | undefined
}

/** Whether hashing can go on from a saved state: one may be missing, or have been saved by an older version. */
export function isState(state: Uint8Array | undefined): state is Uint8Array {
  if (!state) return false
  try {
    Md5Hash.from(state)
    return true
  } catch {
    return false
  }
}

/** The worker is told of new bytes in steps of this size, not with every packet. */
const STEP = 1024 * 1024

interface Following {
  worker: Worker
  front: number
  told: number
  hashedTo: number
  failed: FerryError | undefined
  waiters: { until: number; resolve: () => void; reject: (error: Error) => void }[]
}

/**
 * Keeps the MD5 of every part while it grows: worker threads read behind the writer, from the page cache. Positions
 * in bytes. A part is followed from `follow` to `forget`; one that fails says so with `io-failed` ever after.
 */
export class Follower {
  readonly #followings = new Map<string, Following>()
  readonly #replies = new Map<
    number,
    { part: string; resolve: (reply: never) => void; reject: (e: Error) => void }
  >()
  readonly #workers: Worker[]
  #number = 0

  constructor(threads = Math.min(4, Math.max(1, availableParallelism() - 1))) {
    this.#workers = Array.from({ length: threads }, () => this.#hire())
  }

  /**
   * Begins to follow a part whose first `from.hashedTo` bytes are hashed already. `withSha256`: that, too, where it can
   * be had from the first byte on. Of a small part it is kept anyway.
   */
  follow(part: string, path: string, from: Followed, withSha256 = false): void {
    const worker = this.#workers[this.#number++ % this.#workers.length]!
    const { hashedTo, hashState } = from
    this.#followings.set(part, {
      worker,
      front: hashedTo,
      told: hashedTo,
      hashedTo,
      failed: undefined,
      waiters: [],
    })
    this.#tell(worker, { say: 'follow', part, path, hashedTo, hashState, withSha256 })
  }

  /** True while a part is followed; one that failed has to be followed anew. */
  follows(part: string): boolean {
    const following = this.#followings.get(part)
    return following !== undefined && !following.failed
  }

  /** The part has grown to this front. */
  advance(part: string, front: number): void {
    const following = this.#get(part)
    following.front = front
    if (front - following.told >= STEP) this.#advanceNow(part, following)
  }

  /** Bytes on disk that are not hashed yet. */
  lag(part: string): number {
    const { front, hashedTo } = this.#get(part)
    return front - hashedTo
  }

  /** Resolves when at most `lead` bytes are left to hash. */
  async within(part: string, lead: number): Promise<void> {
    const following = this.#get(part)
    if (following.failed) throw following.failed
    const until = following.front - lead
    if (following.hashedTo >= until) return
    this.#advanceNow(part, following)
    await new Promise<void>((resolve, reject) => following.waiters.push({ until, resolve, reject }))
  }

  /** The state as of now, to be kept with a checkpoint. */
  async save(part: string): Promise<Followed> {
    const { hashedTo, hashState } = await this.#ask<Followed>(part, (number) => ({
      say: 'save',
      part,
      number,
    }))
    return { hashedTo, hashState }
  }

  /** The MD5 of the whole part, once `size` bytes are hashed, and the SHA-256 where that was kept all the way. */
  async digests(part: string, size: number): Promise<Digests> {
    const ask = (number: number): ToFollower => ({ say: 'digest', part, number, size })
    const { md5, sha256 } = await this.#ask<Digests>(part, ask)
    return { md5, sha256 }
  }

  /** Ends following; a part that is not followed is fine. */
  forget(part: string): void {
    const following = this.#followings.get(part)
    if (!following) return
    this.#tell(following.worker, { say: 'forget', part })
    this.#fail(part, following, new FerryError('gone', 'the upload is gone'))
    this.#followings.delete(part)
  }

  /** Ends the threads. */
  async close(): Promise<void> {
    await Promise.all(this.#workers.map((worker) => worker.terminate()))
  }

  #get(part: string): Following {
    const following = this.#followings.get(part)
    if (!following) throw new FerryError('gone', 'the upload is gone')
    return following
  }

  #advanceNow(part: string, following: Following): void {
    following.told = following.front
    this.#tell(following.worker, { say: 'advance', part, front: following.front })
  }

  #ask<Reply>(part: string, message: (number: number) => ToFollower): Promise<Reply> {
    const following = this.#get(part)
    if (following.failed) return Promise.reject(following.failed)
    const number = this.#number++
    return new Promise<Reply>((resolve, reject) => {
      this.#replies.set(number, { part, resolve, reject })
      this.#tell(following.worker, message(number))
    })
  }

  #hire(): Worker {
    const worker = new Worker(new URL('./follower-worker.js', import.meta.url))
    worker.on('message', (message: FromFollower) => this.#hear(message))
    worker.on('error', (cause) => this.#lose(worker, cause))
    return worker
  }

  #tell(worker: Worker, message: ToFollower): void {
    worker.postMessage(message)
  }

  #hear(message: FromFollower): void {
    if (message.say === 'at') return this.#reached(message.part, message.hashedTo)
    if (message.say === 'failed') return this.#failed(message.part, message.message)
    const reply = this.#replies.get(message.number)
    this.#replies.delete(message.number)
    reply?.resolve(message as never)
  }

  #reached(part: string, hashedTo: number): void {
    const following = this.#followings.get(part)
    if (!following) return
    following.hashedTo = hashedTo
    const reached = following.waiters.filter(({ until }) => until <= hashedTo)
    following.waiters = following.waiters.filter(({ until }) => until > hashedTo)
    for (const { resolve } of reached) resolve()
  }

  #failed(part: string, message: string): void {
    const following = this.#followings.get(part)
    const cause = new Error(message)
    if (following)
      this.#fail(part, following, new FerryError('io-failed', 'the part can not be read back', { cause }))
  }

  #fail(part: string, following: Following, error: FerryError): void {
    following.failed = error
    for (const { reject } of following.waiters.splice(0)) reject(error)
    for (const [number, reply] of this.#replies) {
      if (reply.part !== part) continue
      this.#replies.delete(number)
      reply.reject(error)
    }
  }

  /** A thread that died takes its followings with it; their uploads go on from their last checkpoint. */
  #lose(worker: Worker, cause: Error): void {
    this.#workers[this.#workers.indexOf(worker)] = this.#hire()
    for (const [part, following] of this.#followings) {
      if (following.worker !== worker) continue
      this.#fail(
        part,
        following,
        new FerryError('io-failed', 'the hashing thread ended', { cause, retryAfter: 1 }),
      )
      this.#followings.delete(part)
    }
  }
}

import type { Readable } from 'node:stream'
import { FerryError, type ErrorCode } from '../errors.js'
import type { Stored } from '../store/rows.js'
import type { Arrival } from './arrival.js'
import type { Claims } from './claims.js'
import { finish } from './finish.js'
import { keep } from './keep.js'
import { Locks } from './locks.js'
import type { Ending, Observer } from './observer.js'
import type { Stores } from './stores.js'
import { finishWhole } from './whole.js'

/** Errors after which nothing of the upload is worth keeping. */
const POISON = new Set(['md5-mismatch', 'collision', 'sync-failed', 'gone'])
/** Errors that say that other bytes came than were declared. */
const MISMATCH = new Set(['md5-mismatch', 'collision'])

function isCode(error: unknown, code: ErrorCode): boolean {
  return error instanceof FerryError && error.code === code
}

/** The ways an upload ends: as a content, or without a trace. */
export class Endings {
  readonly #contents = new Locks()
  /** Removals off the answers' path. */
  readonly #loose = new Set<Promise<void>>()

  constructor(
    readonly stores: Stores,
    readonly claims: Claims,
    readonly onStored: (content: Stored) => void,
    readonly observer: Observer,
  ) {}

  /**
   * Puts a complete upload on the shelf; `source` brings one that comes whole. Errors: those of `finish`; unless
   * poisoned, what has arrived is kept.
   */
  async finish(arrival: Arrival, source?: Readable): Promise<Stored> {
    try {
      const begun = performance.now()
      const work = source
        ? finishWhole(arrival, source, this.stores, this.#contents)
        : finish(arrival, this.stores, this.#contents)
      const { content, isNew } = await this.unlessPoisoned(arrival, work)
      this.forget(arrival)
      this.observer.finished((performance.now() - begun) / 1000)
      this.observer.ended(arrival.door, isNew ? 'stored' : 'known')
      if (isNew) this.onStored(content)
      return content
    } catch (error) {
      if (!this.claims.get(arrival.id)) throw error
      if (arrival.isWhole) await this.abandon(arrival, 'failed').catch(() => undefined)
      // Complete, but not on the shelf: made durable, so that the next try needs one byte at most.
      else await this.unlessPoisoned(arrival, keep(arrival, this.stores))
      throw error
    }
  }

  /** Waits for work on an upload; an error that poisons it ends it. */
  async unlessPoisoned<T>(arrival: Arrival, work: Promise<T>): Promise<T> {
    try {
      return await work
    } catch (error) {
      if (isCode(error, 'md5-mismatch') && arrival.claim.md5) this.claims.dispute(arrival.claim.md5)
      // What a piece could not sync may be the bytes of others, too.
      const poisoned = isCode(error, 'sync-failed') ? (arrival.place?.whole ?? arrival) : arrival
      if (error instanceof FerryError && POISON.has(error.code))
        await this.abandon(poisoned, MISMATCH.has(error.code) ? 'mismatch' : 'failed').catch(() => undefined)
      throw error
    }
  }

  /** Nothing of the upload stays: first its row goes, then its part (a part without a row is swept at a start). */
  async abandon(arrival: Arrival, ending: Ending): Promise<void> {
    this.claims.leases.settle(arrival)
    this.claims.drop(arrival)
    this.observer.ended(arrival.door, ending)
    try {
      await this.stores.ledger.write('forget', arrival.part)
    } finally {
      // A row that could not be forgotten has no part any more, and the next start drops it.
      this.forget(arrival)
      await this.settled()
    }
  }

  /** The upload ends for its age; its id says so (410) for a while. */
  async bury(arrival: Arrival): Promise<void> {
    // The part first: where parts have filled the disk, its room is what the row needs.
    this.forget(arrival)
    await this.settled()
    this.observer.ended(arrival.door, 'expired')
    await this.stores.ledger.write('bury', { part: arrival.part, now: Date.now() })
  }

  /** The arrival is over; its part goes off the answer's path. */
  forget(arrival: Arrival): void {
    this.claims.drop(arrival)
    if (arrival.place) return
    this.stores.follower.forget(arrival.part)
    const removal = this.stores.inbox.remove(arrival.part).catch(() => undefined) // swept at the next start
    this.#loose.add(removal)
    void removal.finally(() => this.#loose.delete(removal))
  }

  /** Resolves when no removal is under way. */
  async settled(): Promise<void> {
    await Promise.all(this.#loose)
  }
}

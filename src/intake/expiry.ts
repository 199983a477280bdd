import type { Ledger } from '../store/ledger.js'
import { idle, lastTouch, type Arrival } from './arrival.js'
import type { Claims } from './claims.js'
import type { Endings } from './endings.js'
import type { Locks } from './locks.js'

/** Clocks that are further apart than so many milliseconds have not drifted: one was set. */
const JUMP = 60_000

/** Ends uploads for their age. Idleness is counted by the monotonic clock; over a restart, only the wall clock can tell. */
export class Expiry {
  /** `ttlMs`: the life of an idle upload. `leaseMs`: how long its sender has to come back after a start. */
  constructor(
    readonly claims: Claims,
    readonly endings: Endings,
    readonly uploads: Locks,
    readonly ttlMs: number,
    readonly leaseMs: number,
  ) {}

  /**
   * The most that an upload counts as having been idle before a start, in milliseconds: none expires before its sender
   * had a lease's time to come back, since the clock may have been set meanwhile.
   */
  get mostIdle(): number {
    return Math.max(0, this.ttlMs - this.leaseMs)
  }

  /** Ends the uploads that have been idle for too long; their ids answer 410. Returns how many. */
  async expire(ledger: Ledger): Promise<number> {
    let expired = 0
    for (const arrival of [...this.claims.all()].filter((each) => this.#isOld(each))) {
      // While the others were buried, its sender may have come back.
      if (!this.#isOld(arrival) || this.claims.get(arrival.id) !== arrival) continue
      await this.uploads.under(arrival.id, () => this.endings.bury(arrival))
      expired++
    }
    await this.#followClock(ledger)
    return expired
  }

  #isOld(arrival: Arrival): boolean {
    // What a piece has brought was promised to its upload, and goes with that.
    if (arrival.place) return false
    return idle(arrival) > this.ttlMs && !this.uploads.isHeld(arrival.id)
  }

  /** After a jump of the clock: each row says again how long its upload has been idle, for the next start. */
  async #followClock(ledger: Ledger): Promise<void> {
    for (const arrival of this.claims.all()) {
      const touchedAt = lastTouch(arrival)
      if (!arrival.resumable || Math.abs(arrival.touchedAt - touchedAt) < JUMP) continue
      arrival.touchedAt = touchedAt
      await ledger.write('touch', { part: arrival.part, touchedAt })
    }
  }
}

import { FerryError } from '../errors.js'
import { networkOf } from '../network.js'
import { Recent } from './recent.js'

const MINUTE = 60_000
/** So many networks are told apart; each is forgotten a minute after its last creation at the latest. */
const MOST = 10_000

/**
 * How many uploads a network may create. What a minute allows may come at once, and then evenly: one moment for each
 * network says from when on it has used up nothing (the generic cell rate algorithm).
 */
export class CreationRate {
  readonly #debts = new Recent<number>(MOST)

  /** 0: as many as they like. */
  constructor(readonly perMinute: number) {}

  /** Counts one. Throws `too-many`, with the seconds after which there is room for another. */
  count(address: string | undefined): void {
    if (this.perMinute === 0) return
    const network = networkOf(address)
    const now = performance.now()
    const each = MINUTE / this.perMinute
    const debt = Math.max(now, this.#debts.get(network) ?? now) + each
    const wait = debt - now - MINUTE
    if (wait > 0)
      throw new FerryError('too-many', `more than ${this.perMinute} uploads in a minute from your address`, {
        retryAfter: Math.ceil(wait / 1000),
      })
    this.#debts.set(network, debt, debt - now)
  }

  /** How many networks it remembers. */
  get size(): number {
    return this.#debts.size
  }
}

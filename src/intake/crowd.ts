import { FerryError } from '../errors.js'
import { networkOf } from '../network.js'
import type { Arrival } from './arrival.js'
import type { Claims } from './claims.js'
import type { Endings } from './endings.js'
import type { Locks } from './locks.js'

/** An upload whose sender is gone gives its place to another where it has no more than so many bytes. */
const LITTLE = 64 * 1024
/** Seconds after which a sender that found no place may come again. */
const RETRY_AFTER = 30

/** How many uploads may be open at a time. 0: any number. */
export interface Places {
  maxOpenUploads: number
  maxOpenUploadsPerAddress: number
}

/** Keeps uploads that somebody only opens from filling inbox and ledger, and from keeping others out. */
export class Crowd {
  constructor(
    readonly claims: Claims,
    readonly endings: Endings,
    readonly uploads: Locks,
    readonly places: Places,
  ) {}

  /** Throws `too-many` where there is no place for one more. What is dead and hardly begun gives way first. */
  expectPlace(address: string | undefined): void {
    const { maxOpenUploads, maxOpenUploadsPerAddress } = this.places
    const { open } = this.claims
    if (maxOpenUploadsPerAddress > 0 && open.of(address) >= maxOpenUploadsPerAddress)
      this.#makeWay('your address has as many uploads open as it may', networkOf(address))
    if (maxOpenUploads > 0 && open.total >= maxOpenUploads)
      this.#makeWay('the server has as many uploads open as it may')
  }

  #makeWay(reason: string, network?: string): void {
    for (const arrival of this.claims.all()) {
      if (!this.#mayGo(arrival) || (network && networkOf(arrival.address) !== network)) continue
      // At once, so that of many that come together each finds another.
      this.claims.drop(arrival)
      // A row that stays for now has no part any more, and the next start drops it.
      void this.uploads.under(arrival.id, () => this.endings.bury(arrival)).catch(() => undefined)
      return
    }
    throw new FerryError('too-many', `${reason}; finish one, or try again later`, { retryAfter: RETRY_AFTER })
  }

  #mayGo(arrival: Arrival): boolean {
    // A piece takes no place of its own, and what it has brought is its upload's.
    if (
      arrival.place ||
      brought(arrival) > LITTLE ||
      this.claims.isLive(arrival) ||
      this.uploads.isHeld(arrival.id)
    )
      return false
    // One that has just begun may be without a lease.
    return performance.now() - arrival.lastByte > this.claims.leases.ms
  }
}

/** How many bytes an upload has, in whatever place. */
function brought({ front, pieces }: Arrival): number {
  return [...pieces].reduce((sum, piece) => sum + piece.front, front)
}

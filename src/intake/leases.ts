import { networkOf } from '../network.js'
import type { Arrival } from './arrival.js'
import { Recent } from './recent.js'

/** A lease that was lent and not paid for is remembered for so many leases, … */
const MEMORY = 10
/** … of so many claims. */
const MOST = 10_000

/**
 * How long uploads count as live. Bytes buy time, at MIN_RATE, up to a whole lease: so an upload that is slower than that,
 * averaged over a lease, is live for a part of the time only, and one that is faster always. The first lease is lent
 * before any byte has come; who has not paid for it is lent no other one for the same MD5. No timer, two numbers for each
 * upload.
 */
export class Leases {
  /** When the leases end that were lent in vain, by MD5 and sender's network. */
  readonly #loans = new Recent<number>(MOST)

  /** `minRate`: bytes per second; 0: any byte is good for a whole lease, and a lease is lent to whoever asks. */
  constructor(
    readonly ms: number,
    readonly minRate: number,
  ) {}

  /** Milliseconds for which an upload still counts as live; 0 or less where it doesn't. */
  left({ liveUntil }: Arrival): number {
    return liveUntil - performance.now()
  }

  /** Somebody begins, or goes on: a lease without bytes, or what is left of the one that he had for this MD5. */
  lend(arrival: Arrival): void {
    const lent = this.#isPaid(arrival) ? undefined : this.#loans.get(keyOf(arrival))
    if (lent === undefined) arrival.earned = 0
    arrival.liveUntil = lent ?? performance.now() + this.ms
  }

  /** So many new bytes have come. */
  earn(arrival: Arrival, bytes: number): void {
    const now = performance.now()
    const bought = this.minRate === 0 ? this.ms : (bytes / this.minRate) * 1000
    arrival.earned += bytes
    arrival.liveUntil = Math.min(now + this.ms, Math.max(now, arrival.liveUntil) + bought)
  }

  /** Its sender has lost the claim, or ended without bringing it: what he was lent is remembered, unless it is paid. */
  settle(arrival: Arrival): void {
    if (!arrival.claim.md5 || this.#isPaid(arrival)) return
    // Never later than what is remembered already: that lease was lent first.
    const until = Math.min(arrival.liveUntil, this.#loans.get(keyOf(arrival)) ?? Infinity)
    this.#loans.set(keyOf(arrival), until, MEMORY * this.ms)
  }

  #isPaid({ earned }: Arrival): boolean {
    return earned >= (this.minRate * this.ms) / 1000
  }
}

function keyOf({ claim, address }: Arrival): string {
  return `${claim.md5} ${networkOf(address)}`
}

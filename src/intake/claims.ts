import type { Md5, Sha256 } from '../contract.js'
import { Tally } from '../tally.js'
import { reported, type Arrival, type Claim } from './arrival.js'
import type { Leases } from './leases.js'
import { Recent } from './recent.js'
import type { Standing } from './standing.js'

/** After a mismatch an MD5 is in dispute for so many leases, … */
const DISPUTE = 10
/** … so many of them. */
const MOST_DISPUTED = 10_000

/** Which uploads are open, and which of them owns the claim to an MD5: the newest that declared it. */
export class Claims {
  readonly #byId = new Map<string, Arrival>()
  readonly #owners = new Map<Md5, Arrival>()
  /** MD5s for which something wrong has come lately. */
  readonly #disputed = new Recent<true>(MOST_DISPUTED)
  /** How many uploads are open. */
  readonly open = new Tally()

  /** `leases` says how long an upload counts as live. `onEnd` hears of each claim whose upload has ended. */
  constructor(
    readonly leases: Leases,
    readonly onEnd: (md5: Md5) => void = () => undefined,
  ) {}

  get(id: string): Arrival | undefined {
    return this.#byId.get(id)
  }

  all(): IterableIterator<Arrival> {
    return this.#byId.values()
  }

  /** Those that count as live. */
  live(): Arrival[] {
    return [...this.#byId.values()].filter((arrival) => this.isLive(arrival))
  }

  owner(md5: Md5): Arrival | undefined {
    return this.#owners.get(md5)
  }

  /** Opens an upload; it owns the claim to its md5 from now on, and is lent a lease. */
  add(arrival: Arrival): void {
    this.#byId.set(arrival.id, arrival)
    // A piece fills a place that its upload has already.
    if (arrival.place) arrival.place.whole.pieces.add(arrival)
    else this.open.add(arrival.address)
    if (arrival.claim.md5) this.#succeed(arrival.claim.md5, arrival)
    this.leases.lend(arrival)
  }

  /** The same upload under another id, with a sender elsewhere; the old id is unknown from now on. */
  rename(arrival: Arrival, id: string, address: string | undefined): void {
    this.#byId.delete(arrival.id)
    this.open.remove(arrival.address)
    Object.assign(arrival, { id, address })
    this.#byId.set(id, arrival)
    this.open.add(address)
    if (arrival.claim.md5) this.#owners.set(arrival.claim.md5, arrival)
  }

  /** The upload has ended and claims nothing any more. */
  drop(arrival: Arrival): void {
    const wasOpen = this.#byId.delete(arrival.id)
    if (wasOpen && !arrival.place) this.open.remove(arrival.address)
    arrival.place?.whole.pieces.delete(arrival)
    for (const piece of arrival.pieces) this.drop(piece)
    const { md5 } = arrival.claim
    if (!md5 || this.#owners.get(md5) !== arrival) return
    this.#owners.delete(md5)
    this.onEnd(md5)
  }

  /** The MD5 of an upload that came without one is known now; it owns the claim. */
  bind(arrival: Arrival, md5: Md5, sha256: Sha256 | undefined): void {
    arrival.claim = { ...arrival.claim, md5, sha256 }
    this.#succeed(md5, arrival)
    this.leases.lend(arrival)
  }

  /** Takes that back: `before` was claimed; `former` owned the claim, and owns it again if it is still open. */
  unbind(arrival: Arrival, before: Claim, former: Arrival | undefined): void {
    const { md5 } = arrival.claim
    arrival.claim = { ...arrival.claim, md5: before.md5, sha256: before.sha256 }
    if (!md5 || md5 === before.md5 || this.#owners.get(md5) !== arrival) return
    this.#owners.delete(md5)
    if (former && this.#byId.get(former.id) === former) this.#owners.set(md5, former)
    else this.onEnd(md5)
  }

  isLive(arrival: Arrival): boolean {
    return this.leases.left(arrival) > 0
  }

  /** Something wrong has come for this MD5. As long as that is fresh, nobody blocks another or goes on with his bytes. */
  dispute(md5: Md5): void {
    this.#disputed.set(md5, true, DISPUTE * this.leases.ms)
  }

  /** Whether a client may be given an upload back, or be told to wait for it: its own always, others' unless in dispute. */
  isTrusted({ claim }: Arrival, client: string | undefined): boolean {
    if (client !== undefined && claim.client === client) return true
    return claim.md5 === undefined || this.#disputed.get(claim.md5) === undefined
  }

  /** What an open upload is to a client: live or not, its own or somebody else's. An open connection alone is not life. */
  standing(arrival: Arrival, client: string | undefined): Standing {
    if (!this.isLive(arrival) || !this.isTrusted(arrival, client)) return { state: 'notfound' }
    return this.describe(arrival, client)
  }

  /** The same for whoever goes on with it in any case, live or not. */
  describe(arrival: Arrival, client: string | undefined): Standing {
    const isOwn = client !== undefined && arrival.claim.client === client
    return {
      state: 'uploading',
      offset: reported(arrival),
      size: arrival.claim.size,
      sha256: arrival.claim.sha256,
      isOwn,
      resumable: isOwn && arrival.resumable,
      retryAfter: Math.max(0, Math.ceil(this.leases.left(arrival) / 1000)),
    }
  }

  #succeed(md5: Md5, arrival: Arrival): void {
    const former = this.#owners.get(md5)
    if (former && former !== arrival) this.leases.settle(former)
    this.#owners.set(md5, arrival)
  }
}

import type { Md5 } from '../contract.js'
import { reported, type Arrival } from './arrival.js'
import type { Standing } from './standing.js'

/** Which uploads are open, and which of them owns the claim to an MD5: the newest that declared it. */
export class Claims {
  readonly #byId = new Map<string, Arrival>()
  readonly #owners = new Map<Md5, Arrival>()

  /**
   * `leaseMs`: how long after its last byte an upload counts as live, in milliseconds. `onEnd` hears of each claim whose
   * upload has ended.
   */
  constructor(
    readonly leaseMs: number,
    readonly onEnd: (md5: Md5) => void = () => undefined,
  ) {}

  get(id: string): Arrival | undefined {
    return this.#byId.get(id)
  }

  all(): IterableIterator<Arrival> {
    return this.#byId.values()
  }

  owner(md5: Md5): Arrival | undefined {
    return this.#owners.get(md5)
  }

  /** Opens an upload; it owns the claim to its md5 from now on. */
  add(arrival: Arrival): void {
    this.#byId.set(arrival.id, arrival)
    if (arrival.claim.md5) this.#owners.set(arrival.claim.md5, arrival)
  }

  /** The same upload under another id; the old one is unknown from now on. */
  rename(arrival: Arrival, id: string): void {
    this.#byId.delete(arrival.id)
    arrival.id = id
    this.add(arrival)
  }

  /** The upload has ended and claims nothing any more. */
  drop(arrival: Arrival): void {
    this.#byId.delete(arrival.id)
    const { md5 } = arrival.claim
    if (!md5 || this.#owners.get(md5) !== arrival) return
    this.#owners.delete(md5)
    this.onEnd(md5)
  }

  /** The MD5 of an upload that came without one is known now; it owns the claim. */
  bind(arrival: Arrival, md5: Md5): void {
    arrival.claim = { ...arrival.claim, md5 }
    this.#owners.set(md5, arrival)
  }

  /** Takes that back; `former` owned the claim before, and owns it again if it is still open. */
  unbind(arrival: Arrival, former: Arrival | undefined): void {
    const { md5, ...claim } = arrival.claim
    arrival.claim = { ...claim, md5: undefined }
    if (!md5 || this.#owners.get(md5) !== arrival) return
    this.#owners.delete(md5)
    if (former && this.#byId.get(former.id) === former) this.#owners.set(md5, former)
    else this.onEnd(md5)
  }

  isLive(arrival: Arrival): boolean {
    return this.#leaseLeft(arrival) > 0
  }

  /** What an open upload is to a client: live or not, its own or somebody else's. An open connection alone is not life. */
  standing(arrival: Arrival, client: string | undefined): Standing {
    const left = this.#leaseLeft(arrival)
    if (left <= 0) return { state: 'notfound' }
    const isOwn = client !== undefined && arrival.claim.client === client
    return {
      state: 'uploading',
      offset: reported(arrival),
      size: arrival.claim.size,
      isOwn,
      resumable: isOwn && arrival.resumable,
      retryAfter: Math.ceil(left / 1000),
    }
  }

  /** Milliseconds for which it still counts as live. */
  #leaseLeft({ lastByte }: Arrival): number {
    return this.leaseMs - (performance.now() - lastByte)
  }
}

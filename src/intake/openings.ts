import { diskError } from '../errors.js'
import type { Stored } from '../store/rows.js'
import { newArrival, rowOf, touched, type Arrival, type Claim, type Origin } from './arrival.js'
import type { Claims } from './claims.js'
import { piecesOf } from './concat.js'
import type { Crowd } from './crowd.js'
import { knownContent } from './known.js'
import type { Endings } from './endings.js'
import { freeze } from './freeze.js'
import type { Locks } from './locks.js'
import { overlapping, placeFor, spent } from './placed.js'
import type { Room } from './room.js'
import { areDifferent, uploadingElsewhere } from './standing.js'
import type { Stores } from './stores.js'

/** The ways an upload begins: complete from birth, as the next hands of an open one, or from nothing. */
export class Openings {
  /** Uploads whose part and row are being made. */
  readonly #beginning = new Map<Arrival, Promise<void>>()

  constructor(
    readonly stores: Stores,
    readonly claims: Claims,
    readonly endings: Endings,
    readonly uploads: Locks,
    readonly room: Room,
    readonly crowd: Crowd,
  ) {}

  /**
   * Opens an upload under this id. Standing -> claim is one synchronous step, before the first await: of many that
   * come at once, one gets the claim. Errors: `uploading`, `collision`, `too-many`, `disk-full`, `io-failed`.
   */
  open(claim: Claim, id: string, origin: Origin): Promise<void> {
    const known = knownContent(claim, this.stores.shelf)
    if (known) return this.#bornFinished(known, claim, id, origin)
    const former = this.#former(claim, origin)
    if (former) return this.#handOver(former, claim, id, origin)
    this.crowd.expectPlace(origin.address)
    const arrival = newArrival(id, claim, origin)
    this.claims.add(arrival)
    // A final upload takes its pieces' places, one by one.
    const room = piecesOf(claim.concat) ? undefined : claim.size
    const begun = this.#begin(arrival, room ?? origin.announced)
    this.#beginning.set(arrival, begun)
    return begun.finally(() => this.#beginning.delete(arrival))
  }

  /**
   * Opens a piece that fills its place in another upload. Others that were to bring the same bytes end where they stand: their
   * sender has taken them for lost. Errors: `placeFor`'s, `io-failed`, `disk-full`.
   */
  async place(
    claim: Claim,
    at: number,
    whole: Arrival | undefined,
    id: string,
    origin: Origin,
  ): Promise<void> {
    const { claims, uploads, stores } = this
    const { id: of } = whole ?? { id: '' }
    // Who sends the whole itself is asked to leave, and so are those who send the same bytes.
    if (whole?.isAppending) (await uploads.acquire(whole.id))()
    if (whole && claim.size) await freeze(overlapping(whole, at, at + claim.size), this)
    // From here to the claim is one step. In other hands the upload has another id by now.
    const place = placeFor(claim, at, claims.get(of))
    const arrival = newArrival(id, claim, { ...origin, isWhole: false }, place)
    const over = spent(place.whole)
    for (const piece of over) claims.drop(piece)
    claims.add(arrival)
    try {
      await Promise.all([
        stores.ledger.write('addUpload', rowOf(arrival)),
        ...over.map(({ part }) => stores.ledger.write('forget', part)),
      ])
    } catch (error) {
      claims.drop(arrival)
      throw diskError(error, 'creating the upload')
    }
  }

  /** Goes on with an open upload, whoever had it. */
  goOn(former: Arrival, claim: Claim, id: string, origin: Origin): Promise<void> {
    return this.#handOver(former, claim, id, origin)
  }

  /** The open upload that a claim goes on with, if any; throws `uploading` where somebody else is at it. */
  #former({ md5, sha256, size, client }: Claim, { resumable }: Origin): Arrival | undefined {
    const owner = md5 && this.claims.owner(md5)
    if (!owner) return undefined
    const known = size !== undefined && owner.claim.size !== undefined
    // One of two different sizes is wrong, and the MD5 will tell which.
    if (known && size !== owner.claim.size) return undefined
    if (areDifferent(sha256, owner.claim.sha256)) return undefined
    const standing = this.claims.standing(owner, client)
    if (standing.state === 'uploading' && !standing.isOwn) throw uploadingElsewhere(standing)
    return known && owner.resumable && resumable && this.claims.isTrusted(owner, client) ? owner : undefined
  }

  async #bornFinished(content: Stored, claim: Claim, id: string, origin: Origin): Promise<void> {
    const { ledger } = this.stores
    const row = { ...rowOf(newArrival(id, claim, origin)), state: 'finished' as const }
    await ledger.write('addUpload', { ...row, md5: content.md5, size: content.size, front: content.size })
    this.endings.observer.ended(origin.door, 'known')
  }

  /** The same part under a new id. With one id, two clients that revive would cut each other off for ever. */
  async #handOver(arrival: Arrival, claim: Claim, id: string, origin: Origin): Promise<void> {
    const { address } = origin
    const former = { id: arrival.id, claim: arrival.claim, address: arrival.address }
    const filename = claim.filename || former.claim.filename
    this.claims.leases.settle(arrival)
    this.claims.rename(arrival, id, address)
    // What the former hands have declared is theirs to answer for.
    const { client, sha256, concat } = claim
    arrival.claim = { ...former.claim, filename, client, sha256, concat }
    Object.assign(arrival, touched())
    this.claims.leases.lend(arrival)
    const { part, touchedAt } = arrival
    // Its own client may be so quick that there is no row to hand over yet.
    await this.#beginning.get(arrival)
    try {
      await freeze([...arrival.pieces], this)
      const hands = { part, id, client, filename, touchedAt, address, sha256, concat }
      await this.stores.ledger.write('handOver', hands)
    } catch (error) {
      // It has changed hands again since then.
      if (arrival.id !== id) throw error
      // It ended just before: nothing is left to go on with, but its content may be here.
      if (this.claims.get(id) !== arrival) return this.open(claim, id, origin)
      this.claims.rename(arrival, former.id, former.address)
      arrival.claim = former.claim
      throw error
    }
    // Whoever still writes under the old id leaves at a checkpoint.
    await this.uploads.under(former.id, () => Promise.resolve())
  }

  async #begin(arrival: Arrival, announced: number): Promise<void> {
    const { inbox, ledger } = this.stores
    try {
      await this.room.reserve(arrival, announced)
      if (arrival.isWhole) return
      const part = inbox.create(arrival.part)
      const row = arrival.resumable ? ledger.write('addUpload', rowOf(arrival)) : undefined
      // Both have to be over before either can be taken back.
      await Promise.allSettled([part, row])
      await Promise.all([part, row])
    } catch (error) {
      await this.endings.abandon(arrival, 'failed').catch(() => undefined)
      throw diskError(error, 'creating the upload')
    }
  }
}

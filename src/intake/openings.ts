import { diskError } from '../errors.js'
import type { Stored } from '../store/rows.js'
import { newArrival, rowOf, touched, type Arrival, type Claim } from './arrival.js'
import type { Claims } from './claims.js'
import type { Endings } from './endings.js'
import type { Locks } from './locks.js'
import { uploadingElsewhere } from './standing.js'
import type { Stores } from './stores.js'

/** The ways an upload begins: complete from birth, as the next hands of an open one, or from nothing. */
export class Openings {
  constructor(
    readonly stores: Stores,
    readonly claims: Claims,
    readonly endings: Endings,
    readonly uploads: Locks,
  ) {}

  /**
   * Opens an upload under this id. Standing -> claim is one synchronous step, before the first await: of many that
   * come at once, one gets the claim. Errors: `uploading`, `disk-full`, `io-failed`.
   */
  open(claim: Claim, id: string, form: boolean): Promise<void> {
    const known = claim.md5 && this.stores.shelf.find(claim.md5)
    if (known && (claim.size ?? known.size) === known.size) return this.#bornFinished(known, claim, id)
    const former = this.#former(claim, form)
    if (former) return this.#handOver(former, claim, id)
    const arrival = newArrival(id, claim, !form)
    this.claims.add(arrival)
    return this.#begin(arrival)
  }

  /** The open upload that a claim goes on with, if any; throws `uploading` where somebody else is at it. */
  #former({ md5, size, client }: Claim, form: boolean): Arrival | undefined {
    const owner = md5 && this.claims.owner(md5)
    if (!owner) return undefined
    const known = size !== undefined && owner.claim.size !== undefined
    // One of two different sizes is wrong, and the MD5 will tell which.
    if (known && size !== owner.claim.size) return undefined
    const standing = this.claims.standing(owner, client)
    if (standing.state === 'uploading' && !standing.isOwn) throw uploadingElsewhere(standing)
    return known && owner.resumable && !form ? owner : undefined
  }

  async #bornFinished(content: Stored, claim: Claim, id: string): Promise<void> {
    const { ledger } = this.stores
    const row = { ...rowOf(newArrival(id, claim, true)), state: 'finished' as const }
    await ledger.write('addUpload', { ...row, md5: content.md5, size: content.size, front: content.size })
  }

  /** The same part under a new id. With one id, two clients that revive would cut each other off for ever. */
  async #handOver(arrival: Arrival, claim: Claim, id: string): Promise<void> {
    const former = { id: arrival.id, claim: arrival.claim }
    const filename = claim.filename || former.claim.filename
    this.claims.rename(arrival, id)
    arrival.claim = { ...former.claim, filename, client: claim.client }
    Object.assign(arrival, touched())
    const { part, touchedAt } = arrival
    try {
      await this.stores.ledger.write('handOver', { part, id, client: claim.client, filename, touchedAt })
    } catch (error) {
      this.claims.rename(arrival, former.id)
      arrival.claim = former.claim
      throw error
    }
    // Whoever still writes under the old id leaves at a checkpoint.
    await this.uploads.under(former.id, () => Promise.resolve())
  }

  async #begin(arrival: Arrival): Promise<void> {
    const { inbox, ledger } = this.stores
    try {
      await inbox.expectRoom(arrival.claim.size ?? 0)
      await Promise.all([
        inbox.create(arrival.part),
        arrival.resumable ? ledger.write('addUpload', rowOf(arrival)) : undefined,
      ])
    } catch (error) {
      await this.endings.abandon(arrival).catch(() => undefined)
      throw diskError(error, 'creating the upload')
    }
  }
}

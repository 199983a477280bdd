import type { Readable } from 'node:stream'
import { append, type Surroundings } from './append.js'
import type { Arrival } from './arrival.js'
import type { Claims } from './claims.js'
import { isPartial } from './concat.js'
import type { Endings } from './endings.js'
import { freeze } from './freeze.js'
import type { Locks } from './locks.js'
import { absorb, overtaken } from './placed.js'
import { Recent } from './recent.js'
import { openUpload, type FinishedUpload, type Upload } from './standing.js'

/** For so many milliseconds the ledger is not asked what an upload has become. */
const JUST_DONE = 1000

interface House {
  claims: Claims
  endings: Endings
  uploads: Locks
  /** Largest content in bytes; 0: as much as the disk holds. */
  maxSize: number
}

/** How bytes come in: at the front of an upload, all of a small one at once, or into the place of a piece. */
export class Receiving {
  /** What has ended a moment ago, by the upload's id: its own answer looks at it. */
  readonly #done = new Recent<Upload>(256)

  constructor(
    readonly house: House,
    readonly surroundings: Surroundings,
  ) {}

  /** What has become of an upload that ended just now. */
  done(id: string): Upload | undefined {
    return this.#done.get(id)
  }

  /** As `Intake.receive` says. */
  async receive(arrival: Arrival, offset: number, source: Readable): Promise<Upload> {
    if (arrival.isWhole) return this.#receiveWhole(arrival, source)
    if (arrival.place) return this.#receivePiece(arrival, arrival.place.whole, offset, source)
    const limit = arrival.claim.size ?? (this.house.maxSize || Infinity)
    arrival.isAppending = true
    try {
      await this.#expectNoPieces(arrival)
      await this.#append(arrival, offset, source, limit)
    } finally {
      arrival.isAppending = false
    }
    return this.finishIfComplete(arrival)
  }

  /** The upload as it stands after more has arrived: on the shelf, if that was all. */
  async finishIfComplete(arrival: Arrival): Promise<Upload> {
    if (arrival.front !== arrival.claim.size || isPartial(arrival)) return openUpload(arrival)
    return this.#finish(arrival)
  }

  /** The same, for who does not hold its lock; where somebody else has finished it, that is all. */
  async finishAlone(arrival: Arrival): Promise<void> {
    const { claims, uploads } = this.house
    await uploads.under(arrival.id, async () => {
      if (claims.get(arrival.id) === arrival) await this.finishIfComplete(arrival)
    })
  }

  async #append(arrival: Arrival, offset: number, source: Readable, limit: number): Promise<void> {
    const appending = append(arrival, offset, source, this.surroundings, limit)
    await this.house.endings.unlessPoisoned(arrival, appending)
  }

  /** Whoever writes at the front itself ends the pieces ahead of it where they stand, and passes over what they have brought. */
  async #expectNoPieces(arrival: Arrival): Promise<void> {
    if (arrival.pieces.size === 0 || arrival.front === arrival.claim.size) return
    const { stores } = this.surroundings
    await freeze([...arrival.pieces], { ...this.house, stores })
    absorb(arrival)
  }

  /** The piece that brings the last missing byte finishes the whole upload. */
  async #receivePiece(piece: Arrival, whole: Arrival, offset: number, source: Readable): Promise<Upload> {
    if (piece.isFrozen) throw overtaken()
    const { claims } = this.house
    try {
      await this.#append(piece, offset, source, piece.claim.size!)
    } catch (error) {
      // Others have finished it meanwhile: with all of our bytes, too, or it would not be finished.
      if (this.#done.get(whole.id)?.state !== 'finished') throw error
    }
    for (const each of whole.pieces) if (each.isJoined) claims.drop(each)
    const upload = openUpload(piece)
    const content = (await this.#finishWith(whole, piece))?.content
    if (!content) return upload
    const done = { ...upload, offset: piece.claim.size!, content }
    this.#done.set(piece.id, done, JUST_DONE)
    return done
  }

  /** The upload that a piece belongs to, where that was finished by it or just before. */
  async #finishWith(whole: Arrival, { isFrozen }: Arrival): Promise<FinishedUpload | undefined> {
    // Whoever appends to the whole finishes it himself, and waits for us. So does whoever has frozen us.
    const isOurs = !whole.isAppending && !isFrozen
    if (whole.front === whole.claim.size && isOurs) await this.finishAlone(whole)
    const done = this.#done.get(whole.id)
    return done?.state === 'finished' ? done : undefined
  }

  async #receiveWhole(arrival: Arrival, source: Readable): Promise<Upload> {
    const upload = await this.#finish(arrival, source)
    this.surroundings.observer.received(arrival.door, upload.content.size)
    return upload
  }

  async #finish(arrival: Arrival, source?: Readable): Promise<FinishedUpload> {
    const content = await this.house.endings.finish(arrival, source)
    const { id, claim } = arrival
    const upload = { state: 'finished' as const, id, content, concat: claim.concat }
    this.#done.set(id, upload, JUST_DONE)
    return upload
  }
}

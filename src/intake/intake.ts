import type { Readable } from 'node:stream'
import type { Md5, Sha256 } from '../contract.js'
import { FerryError } from '../errors.js'
import { isState } from '../store/follower.js'
import type { Stored, UploadRow } from '../store/rows.js'
import { arrivalOf, randomId, type Arrival, type Claim, type Origin } from './arrival.js'
import { Claims } from './claims.js'
import { isPartial, piecesOf } from './concat.js'
import { Crowd, type Places } from './crowd.js'
import { Endings } from './endings.js'
import { Expiry } from './expiry.js'
import { Joins } from './joins.js'
import { Leases } from './leases.js'
import { Locks } from './locks.js'
import { NOBODY, type Ending, type Observer } from './observer.js'
import { bind, type Binding } from './binding.js'
import { startFollowing } from './open-part.js'
import { Openings } from './openings.js'
import { CreationRate } from './rate.js'
import type { PartWriter } from './part-writer.js'
import { absorb } from './placed.js'
import { Receiving } from './receiving.js'
import { Room } from './room.js'
import { areDifferent, collision, joinedPiece, openUpload, type Standing, type Upload } from './standing.js'
import type { Stores } from './stores.js'
import { Waiters } from './waiters.js'

export interface IntakeOptions extends Places {
  leaseSeconds: number
  /** How long an idle upload, or a finished one's id, is kept. */
  ttlHours: number
  /** Largest content in bytes; 0: as much as the disk holds. */
  maxSize: number
  /** Bytes that stay free on the disk. */
  minFree: number
  /** Bytes per second, averaged over a lease, below which an upload does not count as live; 0: any byte will do. */
  minRate: number
  /** Uploads that may be created from one address; 0: any number. */
  maxCreationsPerMinute: number
}

/** By the door that can be come back to, from nowhere in particular. */
const UNKNOWN: Origin = { door: 'tus', resumable: true, address: undefined, announced: 0 }

/**
 * The one way in: every door hands its bytes to this. It knows claims and leases, and it alone decides when an upload
 * has become a content.
 */
export class Intake {
  readonly uploads = new Locks()
  readonly writers = new Set<PartWriter>()
  readonly room: Room
  readonly leases: Leases
  readonly #rate: CreationRate
  readonly #claims: Claims
  readonly #endings: Endings
  readonly #openings: Openings
  readonly #expiry: Expiry
  readonly #receiving: Receiving
  readonly #joins: Joins
  readonly #waiters = new Waiters()
  #isLeaving = false

  /** `observer` hears of everything that can be counted, `onStored` of every content that an upload has brought. */
  constructor(
    readonly stores: Stores,
    readonly options: IntakeOptions,
    readonly observer: Observer = NOBODY,
    onStored: (content: Stored) => void = () => undefined,
  ) {
    const leaseMs = options.leaseSeconds * 1000
    this.leases = new Leases(leaseMs, options.minRate)
    this.#rate = new CreationRate(options.maxCreationsPerMinute)
    this.#claims = new Claims(this.leases, (md5) => this.#waiters.wake(md5))
    this.room = new Room(stores.inbox, options.minFree, () => this.#claims.live())
    this.#endings = new Endings(stores, this.#claims, onStored, observer)
    const crowd = new Crowd(this.#claims, this.#endings, this.uploads, options)
    this.#openings = new Openings(stores, this.#claims, this.#endings, this.uploads, this.room, crowd)
    this.#expiry = new Expiry(this.#claims, this.#endings, this.uploads, this.#ttl, leaseMs)
    const [claims, endings, openings, { uploads }] = [this.#claims, this.#endings, this.#openings, this]
    const { maxSize } = options
    this.#receiving = new Receiving({ claims, endings, uploads, maxSize }, this)
    const isLeaving = (): boolean => this.#isLeaving
    this.#joins = new Joins({ stores, claims, uploads, openings, receiving: this.#receiving, isLeaving })
  }

  /** Takes up again what a former process left open; what was complete is finished. To be done before listening. */
  async resume(rows: UploadRow[]): Promise<void> {
    const wholes = rows.filter(({ whole }) => whole === undefined)
    const arrivals = wholes.map((row) => arrivalOf(row, UNKNOWN.door, this.#expiry.mostIdle))
    const byPart = new Map(arrivals.map((arrival) => [arrival.part, arrival]))
    for (const row of rows.filter(({ whole }) => whole !== undefined)) {
      const piece = arrivalOf(row, UNKNOWN.door, this.#expiry.mostIdle, byPart.get(row.whole!))
      this.#claims.add(piece)
      absorb(piece.place!.whole)
    }
    for (const arrival of arrivals) {
      // What the pieces have brought was on disk before they were told so.
      arrival.durable = arrival.front
      this.#claims.add(arrival)
      if (arrival.front === 0 || isState(arrival.followed.hashState) || isPartial(arrival)) continue
      // The part is read again now, not when its last byte is waiting.
      arrival.followed = { hashedTo: 0, hashState: undefined }
      startFollowing(arrival, this.stores)
    }
    const finals = arrivals.filter(({ claim }) => piecesOf(claim.concat))
    // Not waited for: what fails, its client asks for again.
    for (const arrival of finals) void this.#joins.resume(arrival).catch(() => undefined)
    const complete = arrivals.filter((each) => each.front === each.claim.size && !finals.includes(each))
    for (const arrival of complete) {
      // What fails now can be tried again by its client; the start goes on.
      await this.uploads
        .under(arrival.id, () => this.#receiving.finishIfComplete(arrival))
        .catch(() => undefined)
    }
  }

  /** What the server knows of an MD5. `client`: the asking client's id, which makes its own upload `resumable`. */
  standing(md5: Md5, client?: string): Standing {
    const content = this.stores.shelf.find(md5)
    if (content) return { state: 'exists', content }
    const owner = this.#claims.owner(md5)
    return owner ? this.#claims.standing(owner, client) : { state: 'notfound' }
  }

  /**
   * What a standing is to somebody who declares a SHA-256: his is read from the file where nobody has done that yet.
   * Errors: `collision`, `hash-pending`, `io-failed`.
   */
  async demand(standing: Standing, sha256: Sha256 | undefined): Promise<Standing> {
    if (!sha256 || standing.state === 'notfound') return standing
    // Of two declarations one is of another content: to wait for that is of no use.
    if (standing.state === 'uploading')
      return areDifferent(standing.sha256, sha256) ? { state: 'notfound' } : standing
    const { content } = standing
    const theirs = await this.stores.fingerprints.of(content)
    if (!theirs) return { state: 'notfound' }
    if (theirs !== sha256) throw collision(content.md5, `sha256 ${sha256}`, theirs)
    return { state: 'exists', content: { ...content, sha256 } }
  }

  /** The same, but not before it is no longer arriving from somebody else; after so many milliseconds at the latest. */
  async standingAfter(
    md5: Md5,
    client: string | undefined,
    milliseconds: number,
    signal: AbortSignal,
  ): Promise<Standing> {
    const end = performance.now() + milliseconds
    for (;;) {
      const standing = this.standing(md5, client)
      const left = end - performance.now()
      if (standing.state !== 'uploading' || standing.isOwn || left <= 0) return standing
      if (signal.aborted || this.#isLeaving) return standing
      // Without a further byte it is dead by then.
      await this.#waiters.wait(md5, Math.min(left, standing.retryAfter * 1000), signal)
    }
  }

  /**
   * Whether a content of so many bytes may be here, or on its way: where not, nobody has to hash a file first. What was
   * copied to the shelf counts as soon as somebody has looked at its size.
   */
  mayHave(bytes: number): boolean {
    if (this.stores.shelf.hasSize(bytes)) return true
    for (const { claim } of this.#claims.all()) if (claim.size === bytes) return true
    return false
  }

  /**
   * Declares the MD5 of an upload that came without one, unless the content is here, or arrives from somebody else, or
   * can be gone on with at a later place (`binding.ts`). Errors: `bad-request` (it has declared another), `collision`,
   * `hash-pending`, those of `look`.
   */
  async bind(id: string, md5: Md5, client?: string, sha256?: Sha256): Promise<Binding> {
    if (sha256) await this.#readKnown({ md5, sha256 })
    const upload = this.look(id)
    const arrival = this.#claims.get(id)
    if (arrival) return bind(arrival, { md5, sha256, client }, this.stores, this.#claims)
    const standing = await this.demand(this.standing(md5, client), sha256)
    return { standing, isBound: upload.state === 'finished' && upload.content.md5 === md5 }
  }

  /**
   * Opens an upload for a claim, under an id that is new. Standing -> claim is one synchronous step. The
   * result may be complete from birth (known content) or stand at an offset already (its own former upload, or one
   * whose sender is gone). Errors: `uploading` (live elsewhere), `collision`, `hash-pending`, `too-many`, `too-large`,
   * `disk-full`, `io-failed`.
   */
  async create(claim: Claim, origin: Origin = UNKNOWN, id = randomId()): Promise<Upload> {
    this.#rate.count(origin.address)
    this.#refuseTooLarge(claim.size ?? 0)
    if (claim.sha256) await this.#readKnown(claim)
    await this.#openings.open(claim, id, origin)
    const arrival = this.#claims.get(id)
    return arrival ? this.#receiving.finishIfComplete(arrival) : this.look(id)
  }

  /** Throws `too-large` or `disk-full` where a file of at least so many bytes can't be taken now. */
  async expectRoom(bytes: number): Promise<void> {
    this.#refuseTooLarge(bytes)
    await this.room.expect(bytes)
  }

  /**
   * Takes an upload's bytes from `offset` on; what it has already is skipped. Call it under the upload's lock. An
   * upload whose size is reached is finished when this returns. Errors: those of `append` and `finish`.
   */
  async receive(id: string, offset: number, source: Readable): Promise<Upload> {
    return this.#receiving.receive(this.#get(id), offset, source)
  }

  /**
   * Declares the size (bytes) of an upload that was created without one. Under its lock. Errors: `bad-request`,
   * `too-large`, `disk-full`.
   */
  async declareSize(id: string, size: number): Promise<void> {
    const arrival = this.#get(id)
    if (size < arrival.front)
      throw new FerryError('bad-request', `the upload has ${arrival.front} bytes already`)
    this.#refuseTooLarge(size)
    // What is here already needs no room, however little of it is left.
    if (size > arrival.front) await this.room.reserve(arrival, size)
    if (arrival.resumable) await this.stores.ledger.write('declareSize', { part: arrival.part, size })
    arrival.claim = { ...arrival.claim, size }
  }

  /** How large the file of these pieces would be, in bytes. Errors: `not-found`, `gone`, `bad-request` (with the reason). */
  sizeOfJoined(ids: readonly string[]): number {
    return this.#joins.sizeOf(ids)
  }

  /**
   * Opens a final upload, made up of the pieces that the claim names (`concat`), and brings all of it in. Under its lock.
   * Errors: those of `sizeOfJoined`, `create` and `finish`.
   */
  async join(claim: Claim, origin: Origin, id: string): Promise<void> {
    this.#rate.count(origin.address)
    this.#refuseTooLarge(claim.size ?? 0)
    if (claim.sha256) await this.#readKnown(claim)
    await this.#joins.join(claim, id, { ...origin, door: 'join' })
  }

  /**
   * Opens a piece that brings the bytes of another upload (`of`, an id) from `at` on, wherever its front is. Errors: `placeFor`'s,
   * `disk-full`, `io-failed`.
   */
  async place(
    claim: Claim,
    { of, at }: { of: string; at: number },
    origin: Origin,
    id: string,
  ): Promise<void> {
    this.#rate.count(origin.address)
    await this.room.expectFloor()
    const whole = this.#claims.get(of)
    // All of it came before, and could not be stored then: there is nothing to place any more.
    if (whole && whole.front === whole.claim.size) await this.#receiving.finishAlone(whole)
    await this.#openings.place(claim, at, this.#claims.get(of), id, origin)
  }

  /** All bytes of a form have arrived: finishes it. Under its lock. */
  async complete(id: string): Promise<Upload> {
    const arrival = this.#get(id)
    arrival.claim = { ...arrival.claim, size: arrival.front }
    return this.#receiving.finishIfComplete(arrival)
  }

  /** How an upload stands. Errors: `not-found`, `gone`. */
  look(id: string): Upload {
    const arrival = this.#claims.get(id)
    if (arrival) return openUpload(arrival)
    const done = this.#receiving.done(id)
    if (done?.content && this.stores.shelf.found(done.content)) return done
    const row = this.stores.ledger.read.upload(id)
    if (row?.state === 'joined') return joinedPiece(row)
    // An open row that is no arrival is about to be renamed or ended.
    if (!row || row.state === 'open') throw new FerryError('not-found', 'no such upload')
    const expired = Date.now() - row.touchedAt > this.#ttl
    const content = row.md5 && !expired ? this.stores.shelf.find(row.md5) : undefined
    if (row.state === 'gone' || !content) throw new FerryError('gone', 'this upload is over; start a new one')
    return { state: 'finished', id, content, concat: row.concat }
  }

  /** True while bytes of this upload arrive: its last one is younger than so many milliseconds, its lock held. */
  isMoving(id: string, milliseconds: number): boolean {
    const arrival = this.#claims.get(id)
    if (this.#joins.has(id)) return true
    return (
      arrival !== undefined && this.uploads.isHeld(id) && performance.now() - arrival.lastByte < milliseconds
    )
  }

  /** All that is arriving. */
  arrivals(): Iterable<Arrival> {
    return this.#claims.all()
  }

  /** How many uploads are live. */
  live(): number {
    return this.#claims.live().length
  }

  /** Bytes that the follower of any upload is behind its writer, at most. */
  lag(): number {
    const { follower } = this.stores
    const followed = [...this.#claims.all()].filter((arrival) => !isPartial(arrival))
    const lags = followed.map(({ part, front, followed }) =>
      follower.follows(part) ? follower.lag(part) : front - followed.hashedTo,
    )
    return Math.max(0, ...lags)
  }

  /** Ends an unfinished upload and removes its data. Under its lock. Errors: `already-finished`, those of `look`. */
  async terminate(id: string, ending: Ending = 'terminated'): Promise<void> {
    const arrival = this.#claims.get(id)
    if (arrival) return this.#endings.abandon(arrival, ending)
    if (this.look(id).state === 'finished') {
      throw new FerryError(
        'already-finished',
        'a finished upload can not be terminated: its content is everybody’s',
      )
    }
  }

  /** The request that was to bring an upload whole is over: if it has not, nothing of it stays. */
  async breakOff(id: string): Promise<void> {
    const arrival = this.#claims.get(id)
    if (!arrival?.isWhole) return
    await this.uploads.under(id, async () => {
      if (this.#claims.get(id) === arrival) await this.#endings.abandon(arrival, 'broken-off')
    })
  }

  /** Ends the uploads that have been idle for too long; their ids answer 410. Returns how many. */
  expire(): Promise<number> {
    return this.#expiry.expire(this.stores.ledger)
  }

  /** Asks every running request to leave its upload at a checkpoint, and whoever waits to go. */
  interrupt(): void {
    this.#isLeaving = true
    this.#waiters.wakeAll()
    this.uploads.askAll()
  }

  /** Resolves when nothing is left to do off the answers' path. */
  async settled(): Promise<void> {
    await this.#endings.settled()
  }

  /** Whoever declares a SHA-256 gets what has it, so the file of that MD5 is read before the claim is looked at. */
  async #readKnown({ md5, sha256 }: Pick<Claim, 'md5' | 'sha256'>): Promise<void> {
    const known = md5 && sha256 && this.stores.shelf.find(md5)
    if (known) await this.stores.fingerprints.of(known)
  }

  #refuseTooLarge(bytes: number): void {
    const { maxSize } = this.options
    if (maxSize === 0 || bytes <= maxSize) return
    throw new FerryError('too-large', `this server takes files up to ${maxSize} bytes`)
  }

  get #ttl(): number {
    return this.options.ttlHours * 3_600_000
  }

  #get(id: string): Arrival {
    const arrival = this.#claims.get(id)
    if (!arrival) throw new FerryError('not-found', 'no such upload')
    return arrival
  }
}

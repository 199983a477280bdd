import { Readable } from 'node:stream'
import { diskError, FerryError } from '../errors.js'
import type { UploadRow } from '../store/rows.js'
import type { Arrival, Claim, Origin } from './arrival.js'
import type { Claims } from './claims.js'
import { finalOf, isPartial, PARTIAL, piecesOf } from './concat.js'
import type { Locks } from './locks.js'
import type { Openings } from './openings.js'
import type { Receiving } from './receiving.js'
import type { Stores } from './stores.js'

/** A piece of a file that is to be joined; its size in bytes. */
interface Piece {
  id: string
  size: number
}

interface House {
  stores: Stores
  claims: Claims
  uploads: Locks
  openings: Openings
  /** Takes a final upload's bytes in, under its lock, as any other's. */
  receiving: Receiving
  /** True when the server stops: a join leaves at a checkpoint. */
  isLeaving: () => boolean
}

/**
 * Final uploads of tus' concatenation: their pieces are read one after the other and come in like any upload's bytes. So a
 * kill finds nothing that is not known elsewhere: the final one stands at its checkpoint, and goes on from there. A piece
 * is removed when the final one has all of it on disk, so that a file needs room for itself and its largest piece.
 */
export class Joins {
  readonly #running = new Map<string, Promise<void>>()
  readonly #joining = new Set<string>()

  constructor(readonly house: House) {}

  /** True for a piece that is being joined: who looks at it has not to wait for that. */
  has(id: string): boolean {
    return this.#joining.has(id)
  }

  /** How large the file of these pieces is, in bytes. Errors: `not-found`, `gone`, `bad-request` (what can't be joined). */
  sizeOf(ids: readonly string[]): number {
    return this.#pieces(ids).reduce((sum, { size }) => sum + size, 0)
  }

  /**
   * Opens a final upload under this id and brings all of it in; under its lock. The same pieces once more are the same
   * file: who asks again waits for the join that runs, or gets what it has brought. Errors: those of `sizeOf`, of
   * `Openings.open` and of every finish.
   */
  async join(claim: Claim, id: string, origin: Origin): Promise<void> {
    const { openings, claims } = this.house
    const concat = claim.concat!
    const ids = piecesOf(concat)!
    await this.#running.get(concat)?.catch(() => undefined)
    await this.#alone(ids, async () => {
      const known = this.#known(claim)
      if (known) return openings.open({ ...claim, ...known }, id, origin)
      const pieces = this.#pieces(ids)
      const former = this.#former(claim)
      if (former) await openings.goOn(former, claim, id, origin)
      else
        await openings.open(claim, id, { ...origin, announced: Math.max(...pieces.map(({ size }) => size)) })
      const arrival = claims.get(id)
      if (!arrival) return this.#consume(ids)
      await this.#remembering(concat, this.#bring(arrival, pieces))
    })
  }

  /** After a start: a final upload goes on by itself. */
  async resume(arrival: Arrival): Promise<void> {
    const { concat } = arrival.claim
    const ids = piecesOf(concat)
    if (!ids || !concat) return
    await this.house.uploads.under(arrival.id, () =>
      this.#alone(ids, () => this.#remembering(concat, this.#bring(arrival, this.#pieces(ids)))),
    )
  }

  /** The open upload that was to be made of these pieces, if its join was broken off. */
  #former({ concat, md5 }: Claim): Arrival | undefined {
    for (const arrival of this.house.claims.all()) {
      if (arrival.claim.concat !== concat) continue
      if (arrival.claim.md5 === md5) return arrival
      throw cannotJoin('they are being joined under another md5')
    }
    return undefined
  }

  /** What these pieces have become, if they were joined before and nothing else is declared of them now. */
  #known({ concat, md5 }: Claim): Pick<Claim, 'md5' | 'size'> | undefined {
    const { ledger, shelf } = this.house.stores
    const row = ledger.read.final(concat!)
    if (row?.state !== 'finished' || !row.md5 || (md5 && md5 !== row.md5)) return undefined
    const content = shelf.find(row.md5)
    return content && { md5: content.md5, size: content.size }
  }

  /** Does something while the pieces are nobody else's. */
  async #alone(ids: readonly string[], action: () => Promise<void>): Promise<void> {
    // In one order for all, so that no two wait for each other.
    const releases: (() => void)[] = []
    try {
      for (const id of [...ids].toSorted()) releases.push(await this.house.uploads.acquire(id))
      for (const id of ids) this.#joining.add(id)
      await action()
    } finally {
      for (const id of ids) this.#joining.delete(id)
      for (const release of releases) release()
    }
  }

  async #remembering(concat: string, work: Promise<void>): Promise<void> {
    this.#running.set(concat, work)
    try {
      await work
    } finally {
      this.#running.delete(concat)
    }
  }

  async #bring(arrival: Arrival, pieces: Piece[]): Promise<void> {
    const { claims, receiving } = this.house
    const ids = pieces.map(({ id }) => id)
    try {
      const bytes = this.#bytes(arrival, pieces)
      const upload = await receiving.receive(
        arrival,
        arrival.front,
        Readable.from(bytes, { objectMode: false }),
      )
      if (upload.state === 'finished') return await this.#consume(ids)
    } catch (error) {
      // Poisoned: what has come is not what was declared, and nothing of it is kept.
      if (!claims.get(arrival.id)) await Promise.all(ids.map((id) => this.#forget(id)))
      throw error
    }
    throw new FerryError('io-failed', 'the server is restarted; ask for the same again', { retryAfter: 5 })
  }

  async *#bytes(arrival: Arrival, pieces: Piece[]): AsyncGenerator<Buffer> {
    const { stores, isLeaving } = this.house
    const from = arrival.front
    let begin = 0
    const ends: { id: string; end: number }[] = []
    for (const { id, size } of pieces) {
      let at = Math.min(size, Math.max(0, from - begin))
      for await (const bytes of stores.inbox.read(id, at, size)) {
        if (isLeaving()) return
        at += bytes.length
        yield bytes
      }
      if (at < size)
        throw new FerryError('gone', 'the data of one of the uploads is gone; upload the file again')
      begin += size
      ends.push({ id, end: begin })
      await this.#consume(ends.filter(({ end }) => end <= arrival.durable).map((piece) => piece.id))
    }
  }

  /** The pieces as they are now, in their order. */
  #pieces(ids: readonly string[]): Piece[] {
    if (new Set(ids).size < ids.length) throw cannotJoin('one of the uploads is named twice')
    return ids.map((id, index) => ({
      id,
      size: this.#sizeOf(id, ids, `upload ${index + 1} of ${ids.length}`),
    }))
  }

  #sizeOf(id: string, ids: readonly string[], name: string): number {
    const { claims, stores } = this.house
    const arrival = claims.get(id)
    if (!arrival) return this.#joinedSize(stores.ledger.read.upload(id), ids, name)
    const { size } = arrival.claim
    if (!isPartial(arrival)) throw cannotJoin(`${name} is not a partial one`)
    if (arrival.place) throw cannotJoin(`${name} is placed already`)
    if (size === undefined || arrival.durable < size) throw cannotJoin(`${name} is not complete`)
    return size
  }

  /** A piece whose bytes the final upload has already. */
  #joinedSize(row: UploadRow | undefined, ids: readonly string[], name: string): number {
    if (!row || row.concat !== PARTIAL)
      throw new FerryError('not-found', `${name} is not here; upload it again`)
    if (row.state !== 'joined') throw new FerryError('gone', `${name} is over; upload it again`)
    const final = this.house.stores.ledger.read.final(finalOf(ids))
    if (final?.state === 'open' || final?.state === 'finished') return row.size!
    throw cannotJoin(`${name} is part of another file already; upload it again`)
  }

  /** The final upload has these on disk. */
  async #consume(ids: string[]): Promise<void> {
    const { claims, stores } = this.house
    const arrivals = ids.flatMap((id) => claims.get(id) ?? [])
    if (arrivals.length === 0) return
    const parts = arrivals.map(({ part }) => part)
    await stores.ledger.write('join', { parts, now: Date.now() }).catch((error: unknown) => {
      throw diskError(error, 'writing the ledger')
    })
    for (const arrival of arrivals) claims.drop(arrival)
    await Promise.all(parts.map((part) => stores.inbox.remove(part)))
  }

  async #forget(id: string): Promise<void> {
    const { claims, stores } = this.house
    const arrival = claims.get(id)
    if (arrival) claims.drop(arrival)
    await stores.ledger.write('forget', id).catch(() => undefined)
    await stores.inbox.remove(id).catch(() => undefined)
  }
}

function cannotJoin(reason: string): FerryError {
  return new FerryError('bad-request', `these uploads can not be joined: ${reason}`)
}

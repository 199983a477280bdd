import { diskError, syncError, type FerryError } from '../errors.js'
import type { Part } from '../store/part.js'
import type { Followed } from '../store/follower.js'
import type { Ledger } from '../store/ledger.js'
import { rowOf, type Arrival } from './arrival.js'
import { isPartial } from './concat.js'
import { passed } from './placed.js'
import type { Observer } from './observer.js'
import type { Stores } from './stores.js'

/** A checkpoint is made after so many bytes or so many milliseconds, whichever comes first. */
const BYTES = 64 * 1024 * 1024
const MILLISECONDS = 1000

/**
 * The checkpoints of one append: what a client is told of, a power cut can't take back. They run beside the writer;
 * one that fails is thrown at its next turn. Each is fdatasync(part) first, then {front, hash state} to the ledger.
 */
export class Checkpoints {
  #running: Promise<void> | undefined
  #failed: FerryError | undefined
  #begunAt: number
  readonly #timer: NodeJS.Timeout

  constructor(
    readonly arrival: Arrival,
    readonly part: Part,
    readonly stores: Stores,
    readonly observer: Observer,
  ) {
    this.#begunAt = arrival.durable
    this.#timer = setInterval(() => this.#begin(), MILLISECONDS).unref()
  }

  throwIfFailed(): void {
    if (this.#failed) throw this.#failed
  }

  /** The front has moved. */
  note(): void {
    if (this.arrival.front - this.#begunAt >= BYTES) this.#begin()
  }

  /** Makes what has been written durable, unless the upload is complete: the finish does that, once. A piece has none. */
  async last(): Promise<void> {
    await this.#running
    this.throwIfFailed()
    const { front, durable } = this.arrival
    const whole = this.arrival.place?.whole ?? this.arrival
    const isLeftToFinish = whole.front === whole.claim.size && !isPartial(whole)
    if (front === durable || isLeftToFinish || !this.arrival.resumable) return
    this.#begin()
    await this.#running
    this.throwIfFailed()
  }

  /** No more checkpoints after this; the one that runs is awaited. */
  async stop(): Promise<void> {
    clearInterval(this.#timer)
    await this.#running
  }

  #begin(): void {
    if (this.#running || this.#failed || this.arrival.front === this.#begunAt) return
    this.#begunAt = this.arrival.front
    const begun = performance.now()
    this.#running = checkpoint(this.arrival, this.part, this.stores)
      .then(() => this.observer.checkpointed((performance.now() - begun) / 1000))
      .catch((error: unknown) => {
        this.#failed = error as FerryError
      })
      .finally(() => {
        this.#running = undefined
      })
  }
}

const NOT_HASHED: Followed = { hashedTo: 0, hashState: undefined }

/**
 * Makes the arrival's present front durable. Rejects with `io-failed` or `disk-full`; after a failed sync the upload
 * is poisoned (`sync-failed`), since a second fsync may report a success that isn't one.
 */
export async function checkpoint(arrival: Arrival, part: Part, stores: Stores): Promise<void> {
  const whole = arrival.place?.whole
  if (whole) return whole.together.do(() => checkpointPlaced(whole, part, stores))
  const { follower, ledger } = stores
  // The hash state first: it may not cover more than the front that is synced after it.
  const save = () => (isPartial(arrival) ? NOT_HASHED : follower.save(arrival.part))
  const followed = arrival.resumable ? await save() : undefined
  const front = arrival.front
  try {
    await part.datasync()
  } catch (error) {
    throw syncError(error)
  }
  if (!followed) return list(arrival, ledger)
  try {
    await ledger.write('checkpoint', { part: arrival.part, front, ...followed, touchedAt: arrival.touchedAt })
  } catch (error) {
    throw diskError(error, 'writing the ledger')
  }
  arrival.durable = front
  arrival.followed = followed
}

/**
 * A sync of the one part makes durable what all its pieces have written, through whichever's hands. The whole upload's front
 * is recorded with it, and which pieces that has passed: those need no row of their own any more than any piece that was
 * joined.
 */
async function checkpointPlaced(whole: Arrival, part: Part, { follower, ledger }: Stores): Promise<void> {
  const followed = await follower.save(whole.part)
  const { front, touchedAt } = whole
  const moved = [...whole.pieces].filter((piece) => piece.front > piece.durable)
  const reached = new Map(moved.map((piece) => [piece, piece.front]))
  const joined = passed(whole, front)
  try {
    await part.datasync()
  } catch (error) {
    throw syncError(error)
  }
  try {
    await ledger.write('checkpointPlaced', {
      whole: { part: whole.part, front, ...followed, touchedAt },
      pieces: moved.map((piece) => ({
        part: piece.part,
        touchedAt: piece.touchedAt,
        front: reached.get(piece)!,
      })),
      joined: joined.map((piece) => piece.part),
    })
  } catch (error) {
    throw diskError(error, 'writing the ledger')
  }
  for (const [piece, to] of reached) piece.durable = to
  for (const piece of joined) piece.isJoined = true
  whole.durable = front
  whole.followed = followed
}

/** Nobody comes back to a form: how far it is interests the operator, and nothing hangs on it. */
async function list(arrival: Arrival, ledger: Ledger): Promise<void> {
  await ledger.write('listForm', { ...rowOf(arrival), front: arrival.front }).catch(() => undefined)
}

import { Writable } from 'node:stream'
import { diskError, FerryError } from '../errors.js'
import type { Part } from '../store/part.js'
import { touched, type Arrival } from './arrival.js'
import type { Checkpoints } from './checkpoint.js'
import type { Followers } from './open-part.js'
import { absorb, gap, overtaken } from './placed.js'

/** The writer waits for a follower that is further behind than this, in bytes: finishing then costs nothing. */
export const LEAD = 32 * 1024 * 1024
/** What arrives while a write is under way is gathered up to so many bytes and written at once, if there are few writers. */
const GATHER = 256 * 1024
/** However many there are, they gather so many bytes in all, and each of them this many. */
const GATHER_ALL = 24 * 1024 * 1024
const GATHER_LEAST = 64 * 1024

interface Bounds {
  /** How many write at this time. */
  writers: number
  /** Bytes at the beginning that the part has already. */
  skip: number
  /** What the part may grow to, in bytes. */
  limit: number
  /** Rejects where so many bytes may not be written now. */
  expectRoom: (bytes: number) => Promise<void>
}

/** Where an arrival's bytes go: into its part, at its front. */
export class PartWriter extends Writable {
  /** Bytes still to come that the part has already. */
  #skip: number
  readonly #limit: number
  readonly #expectRoom: Bounds['expectRoom']
  /** After a lost hash state the follower has the whole part to read again; nobody waits for that. */
  #catchingUp: boolean
  #working: Promise<void> = Promise.resolve()

  constructor(
    readonly arrival: Arrival,
    readonly part: Part,
    readonly checkpoints: Checkpoints,
    readonly follower: Followers,
    { writers, skip, limit, expectRoom }: Bounds,
  ) {
    super({ highWaterMark: Math.min(GATHER, Math.max(GATHER_LEAST, Math.floor(GATHER_ALL / writers))) })
    this.#skip = skip
    this.#limit = limit
    this.#expectRoom = expectRoom
    this.#catchingUp = follower.lag(arrival.part) > LEAD
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error) => void): void {
    this.#work([chunk], done)
  }

  override _writev(items: { chunk: Buffer }[], done: (error?: Error) => void): void {
    this.#work(
      items.map(({ chunk }) => chunk),
      done,
    )
  }

  /** Resolves when no write is under way any more. A broken stream does not wait for that; who closes the part must. */
  settled(): Promise<void> {
    return this.#working.catch(() => undefined)
  }

  #work(chunks: Buffer[], done: (error?: Error) => void): void {
    this.#working = this.#take(chunks)
    this.#working.then(() => done(), done)
  }

  async #take(arrived: Buffer[]): Promise<void> {
    const { arrival, follower } = this
    this.checkpoints.throwIfFailed()
    Object.assign(arrival, touched())
    for (let rest = arrived; rest.length > 0;) {
      const chunks = beyond(rest, this.#skip)
      this.#skip = Math.max(0, this.#skip - length(rest))
      const [now, later] = parted(chunks, gap(arrival))
      if (now.length > 0) await this.#write(now)
      arrival.front += length(now)
      this.#jump()
      follower.advance(arrival.part, arrival.front)
      this.checkpoints.note()
      rest = later
    }
    this.#catchingUp &&= follower.lag(arrival.part) > LEAD
    if (!this.#catchingUp) await follower.within(arrival.part, LEAD)
  }

  /** What a piece has brought already is not written again. */
  #jump(): void {
    const { arrival } = this
    const before = arrival.front
    absorb(arrival)
    this.#skip += arrival.front - before
  }

  async #write(chunks: Buffer[]): Promise<void> {
    if (this.arrival.isFrozen) throw overtaken()
    if (this.arrival.front + length(chunks) > this.#limit) {
      throw new FerryError(
        'too-large',
        `the file is larger than the ${this.#limit} bytes announced or allowed`,
      )
    }
    await this.#expectRoom(length(chunks))
    try {
      await this.part.write(chunks, (this.arrival.place?.at ?? 0) + this.arrival.front)
    } catch (error) {
      throw diskError(error, 'writing the part')
    }
  }
}

function length(chunks: Buffer[]): number {
  return chunks.reduce((sum, chunk) => sum + chunk.length, 0)
}

/** The chunks' first so many bytes, and the rest. */
function parted(chunks: Buffer[], bytes: number): [Buffer[], Buffer[]] {
  if (length(chunks) <= bytes) return [chunks, []]
  const all = Buffer.concat(chunks)
  return [bytes > 0 ? [all.subarray(0, bytes)] : [], [all.subarray(bytes)]]
}

/** The chunks without their first `skip` bytes. */
function beyond(chunks: Buffer[], skip: number): Buffer[] {
  if (skip === 0) return chunks
  const rest = Buffer.concat(chunks).subarray(skip)
  return rest.length > 0 ? [rest] : []
}

import { Writable, type Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { diskError, FerryError, isErrno } from '../errors.js'
import type { Part } from '../store/part.js'
import { touched, type Arrival } from './arrival.js'
import { Checkpoints } from './checkpoint.js'
import type { Stores } from './stores.js'

/** The writer waits for a follower that is further behind than this, in bytes: finishing then costs nothing. */
export const LEAD = 32 * 1024 * 1024
/** What arrives while a write is under way is gathered up to this many bytes and written at once. */
const GATHER = 256 * 1024

/**
 * Takes bytes from a stream into the arrival's part, beginning at `offset`; what the part has already is skipped.
 * Call it under the upload's lock. When it returns, all that has arrived is on disk (`durable = front`), unless the
 * upload is complete (`limit`, in bytes, is what it may grow to): then the finish will see to that. When the source breaks off, what came before is kept on disk
 * and the source's error is thrown; disk trouble is `disk-full` or `io-failed`, and a failed sync ends the upload.
 */
export async function append(
  arrival: Arrival,
  offset: number,
  source: Readable,
  stores: Stores,
  limit: number,
): Promise<void> {
  if (offset > arrival.front) {
    throw new FerryError('offset-conflict', `the upload stands at ${arrival.front}, not at ${offset}`)
  }
  const part = await openPart(arrival, stores)
  const checkpoints = new Checkpoints(arrival, part, stores)
  try {
    await pipeline(source, writer(arrival, arrival.front - offset, limit, part, checkpoints, stores))
  } catch (error) {
    await checkpoints.last()
    throw error
  } finally {
    await checkpoints.stop()
    await part.close()
  }
}

async function openPart(arrival: Arrival, stores: Stores): Promise<Part> {
  try {
    const part = await stores.inbox.openPart(arrival.part)
    startFollowing(arrival, stores)
    return part
  } catch (error) {
    if (isErrno(error, 'ENOENT'))
      throw new FerryError('gone', 'the data of this upload is gone; upload it again')
    throw diskError(error, 'opening the part')
  }
}

/** The follower takes the part up where the last checkpoint left it, unless it is at it already. */
export function startFollowing(arrival: Arrival, { inbox, follower }: Stores): void {
  if (follower.follows(arrival.part)) return
  follower.follow(arrival.part, inbox.path(arrival.part), arrival.followed)
  follower.advance(arrival.part, arrival.front)
}

function writer(
  arrival: Arrival,
  skip: number,
  limit: number,
  part: Part,
  checkpoints: Checkpoints,
  stores: Stores,
): Writable {
  const { follower } = stores
  // After a lost hash state the follower has the whole part to read again; the writer doesn't wait for that.
  let catchingUp = follower.lag(arrival.part) > LEAD

  const take = async (arrived: Buffer[]): Promise<void> => {
    checkpoints.throwIfFailed()
    Object.assign(arrival, touched())
    const chunks = beyond(arrived, skip)
    skip = Math.max(0, skip - length(arrived))
    if (chunks.length === 0) return
    if (arrival.front + length(chunks) > limit) throw tooLarge(limit)
    try {
      await part.write(chunks, arrival.front)
    } catch (error) {
      throw diskError(error, 'writing the part')
    }
    arrival.front += length(chunks)
    follower.advance(arrival.part, arrival.front)
    checkpoints.note()
    catchingUp &&= follower.lag(arrival.part) > LEAD
    if (!catchingUp) await follower.within(arrival.part, LEAD)
  }

  const settle = (work: Promise<void>, done: (error?: Error) => void): void =>
    void work.then(() => done(), done)
  return new Writable({
    highWaterMark: GATHER,
    write: (chunk: Buffer, _encoding, done) => settle(take([chunk]), done),
    writev: (items, done) => settle(take(items.map(({ chunk }) => chunk as Buffer)), done),
    final: (done) => settle(checkpoints.last(), done),
  })
}

function tooLarge(limit: number): FerryError {
  return new FerryError(
    'too-large',
    `the file is larger than the ${limit} bytes that were announced or are allowed`,
  )
}

function length(chunks: Buffer[]): number {
  return chunks.reduce((sum, chunk) => sum + chunk.length, 0)
}

/** The chunks without their first `skip` bytes. */
function beyond(chunks: Buffer[], skip: number): Buffer[] {
  if (skip === 0) return chunks
  const rest = Buffer.concat(chunks).subarray(skip)
  return rest.length > 0 ? [rest] : []
}

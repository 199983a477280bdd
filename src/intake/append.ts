import type { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { FerryError } from '../errors.js'
import { touched, type Arrival } from './arrival.js'
import { Checkpoints } from './checkpoint.js'
import { isPartial } from './concat.js'
import type { Observer } from './observer.js'
import type { Leases } from './leases.js'
import { followerOf, gone, openPart } from './open-part.js'
import { PartWriter } from './part-writer.js'
import { isHomeless } from './placed.js'
import type { Room } from './room.js'
import type { Stores } from './stores.js'

/** What an append needs beside its bytes. */
export interface Surroundings {
  stores: Stores
  room: Room
  leases: Leases
  observer: Observer
  /** Those who write at this time. */
  writers: Set<PartWriter>
}

/**
 * Takes bytes from a stream into the arrival's part, beginning at `offset`; what the part has already is skipped.
 * Call it under the upload's lock. `limit`, in bytes, is what the part may grow to. When it returns, all that has
 * arrived is on disk (`durable = front`), unless the upload is complete: then the finish will see to that. When the
 * source breaks off, what came before is kept on disk and the source's error is thrown; disk trouble is `disk-full`
 * or `io-failed`, and a failed sync (`sync-failed`) ends the upload.
 */
export async function append(
  arrival: Arrival,
  offset: number,
  source: Readable,
  { stores, room, leases, observer, writers }: Surroundings,
  limit: number,
): Promise<void> {
  if (offset > arrival.front) {
    throw new FerryError('offset-conflict', `the upload stands at ${arrival.front}, not at ${offset}`)
  }
  const part = await openPart(arrival, stores)
  if (isHomeless(arrival)) {
    await part.close()
    throw gone()
  }
  const follower = followerOf(arrival, stores)
  const checkpoints = new Checkpoints(arrival, part, stores, observer)
  const expectRoom = (bytes: number): Promise<void> => {
    observer.received(arrival.door, bytes)
    leases.earn(arrival, bytes)
    // A piece's bytes are the whole upload's.
    if (arrival.place) leases.earn(Object.assign(arrival.place.whole, touched()), bytes)
    return room.expectFloor()
  }
  const skip = arrival.front - offset
  const bounds = { writers: writers.size + 1, skip, limit, expectRoom }
  const writer = new PartWriter(arrival, part, checkpoints, follower, bounds)
  writers.add(writer)
  try {
    await pipeline(source, writer)
    await checkpoints.last()
  } catch (error) {
    await writer.settled()
    // A line that breaks after the last byte has cost nothing.
    if (arrival.front === arrival.claim.size && !isPartial(arrival)) return
    await checkpoints.last()
    throw error
  } finally {
    writers.delete(writer)
    await checkpoints.stop()
    await part.close()
  }
}

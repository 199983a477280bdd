import { diskError, FerryError, isErrno } from '../errors.js'
import type { Follower } from '../store/follower.js'
import type { Part } from '../store/part.js'
import { rowOf, type Arrival } from './arrival.js'
import { isPartial } from './concat.js'
import { absorb, partOf } from './placed.js'
import type { Stores } from './stores.js'

/**
 * The arrival's part, for writing. Call it under the upload's lock. Where somebody has cut it short or put another in
 * its place, it is read again from its beginning, so that no digest tells of bytes that are not there. Errors: `gone`,
 * `offset-conflict` (it is shorter now, and goes on from what is there), `io-failed`.
 */
export async function openPart(arrival: Arrival, stores: Stores): Promise<Part> {
  const part = await open(arrival, stores)
  try {
    const { size, inode } = await part.facts()
    const holder = arrival.place?.whole ?? arrival
    const isOther = holder.inode !== undefined && holder.inode !== inode
    if (arrival.place) {
      const isCut = arrival.front > 0 && size < arrival.place.at + arrival.front
      // The whole has still to hear of it, so that all of this one is read.
      if (isOther || isCut) throw gone()
      holder.inode = inode
      return part
    }
    holder.inode = inode
    if (isOther || size < arrival.front) await readAgain(arrival, Math.min(size, arrival.front), stores)
    return part
  } catch (error) {
    await part.close()
    throw diskError(error, 'looking at the part')
  }
}

async function open(arrival: Arrival, { inbox }: Stores): Promise<Part> {
  try {
    return await inbox.openPart(partOf(arrival))
  } catch (error) {
    if (isErrno(error, 'ENOENT')) throw gone(error)
    throw diskError(error, 'opening the part')
  }
}

/** The error for who writes what is not there any more. */
export function gone(cause?: unknown): FerryError {
  return new FerryError('gone', 'the data of this upload is gone; upload it again', { cause })
}

async function readAgain(arrival: Arrival, front: number, { follower, ledger }: Stores): Promise<void> {
  const isShorter = front < arrival.front
  follower.forget(arrival.part)
  arrival.reading = undefined
  arrival.front = front
  arrival.durable = Math.min(arrival.durable, front)
  arrival.followed = { hashedTo: 0, hashState: undefined }
  if (arrival.resumable) await ledger.write('checkpoint', rowOf(arrival))
  if (isShorter)
    throw new FerryError('offset-conflict', `the upload’s data was cut; it stands at ${front} now`)
}

/** Who follows a piece: it is hashed with the file that it becomes a part of. */
const NOBODY: Followers = { advance: () => undefined, lag: () => 0, within: () => Promise.resolve() }

/** What a writer wants of the follower. */
export type Followers = Pick<Follower, 'advance' | 'lag' | 'within'>

/** Who follows this arrival's part from now on. */
export function followerOf(arrival: Arrival, stores: Stores): Followers {
  if (arrival.place) return followerBehind(arrival.place.whole, stores)
  if (isPartial(arrival)) return NOBODY
  startFollowing(arrival, stores)
  return stores.follower
}

/** A placed piece's bytes are hashed when the front of the whole has come to them. */
function followerBehind(whole: Arrival, stores: Stores): Followers {
  const { follower } = stores
  startFollowing(whole, stores)
  return {
    advance() {
      absorb(whole)
      follower.advance(whole.part, whole.front)
    },
    lag: () => follower.lag(whole.part),
    within: (_part, lead) => follower.within(whole.part, lead),
  }
}

/** The follower takes the part up where the last checkpoint left it, unless it is at it already. */
export function startFollowing(arrival: Arrival, { inbox, follower }: Stores): void {
  if (follower.follows(arrival.part)) return
  const { part, claim, followed } = arrival
  follower.follow(part, inbox.path(part), followed, claim.sha256 !== undefined)
  follower.advance(arrival.part, arrival.front)
}

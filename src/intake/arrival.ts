import { randomBytes } from 'node:crypto'
import type { Md5, Sha256 } from '../contract.js'
import type { Followed } from '../store/follower.js'
import type { UploadRow } from '../store/rows.js'
import { isPartial } from './concat.js'
import type { Place } from './placed.js'
import { Together } from './together.js'

/** What an uploader declares at creation. Size in bytes. */
export interface Claim {
  md5: Md5 | undefined
  /** What the MD5 is not trusted to tell. */
  sha256?: Sha256 | undefined
  filename: string
  size: number | undefined
  /** The uploader's secret id, if it has one. */
  client: string | undefined
  /** What it is in a concatenation, if in any (`concat.ts`). */
  concat?: string | undefined
}

/** How an upload came to us. */
export interface Origin {
  /** The door's name, for logs and figures. */
  door: string
  /** False for a form: nobody can go on with it, so it has no checkpoints and a row only to be listed. */
  resumable: boolean
  /** Where the sender is, as far as the connection tells. */
  address: string | undefined
  /** Bytes that it announces where it declares no size. */
  announced: number
  /** All of it comes with its creation, and it is small: it never lies about half done (`whole.ts`). */
  isWhole?: boolean
}

/**
 * One upload in progress, as this process knows it. The ledger's row holds what a restart would know.
 * Positions in bytes.
 */
export interface Arrival {
  id: string
  /** The part's name; it stays while the id changes hands. */
  readonly part: string
  claim: Claim
  /** Which file the part was when it was last opened; undefined until this process has. */
  inode: number | undefined
  /** Bytes written without a gap. */
  front: number
  /** The front of the last checkpoint: all that was ever acknowledged. */
  durable: number
  /** The hash state of the last checkpoint. */
  followed: Followed
  /** Monotonic milliseconds of the last byte (or the creation, or the start of this process). */
  lastByte: number
  /** Until when it counts as live, in monotonic milliseconds; `leases.ts` alone says. */
  liveUntil: number
  /** Bytes that have come since a lease was lent to its sender. */
  earned: number
  /** Wall-clock milliseconds of the same, for the expiry that survives restarts. */
  touchedAt: number
  /** Milliseconds it had been idle when this process started. */
  idleBefore: number
  readonly door: string
  /** False for a form, and for what comes whole: nobody can go on with it. */
  readonly resumable: boolean
  readonly isWhole: boolean
  address: string | undefined
  /** Wall-clock milliseconds. */
  readonly createdAt: number
  /** Bytes that it may grow to without asking for more room. */
  reserves: number
  /** For a piece that is placed in another upload: where. */
  readonly place: Place | undefined
  /** Those that are placed in this one. */
  readonly pieces: Set<Arrival>
  /** One checkpoint is all pieces'. */
  readonly together: Together
  /** Bytes are being added at its own front. */
  isAppending?: boolean
  /** A piece that the front has passed, as the ledger knows. */
  isJoined?: boolean
  /** A piece that may bring nothing more: somebody else writes there now. */
  isFrozen?: boolean
  /** What such a piece has in the end, in bytes, once nobody writes it any more and the ledger knows. */
  cutTo?: number
  /** Its SHA-256, where the part has to be read again for that. */
  reading?: Promise<Sha256> | undefined
}

/** A new arrival for a claim: nothing of it is on disk yet. */
export function newArrival(id: string, claim: Claim, origin: Origin, place?: Place): Arrival {
  const { door, resumable, address, isWhole = false } = origin
  return {
    id,
    part: id,
    inode: undefined,
    claim,
    front: 0,
    durable: 0,
    followed: { hashedTo: 0, hashState: undefined },
    door,
    resumable: resumable && !isWhole,
    isWhole,
    address,
    createdAt: Date.now(),
    reserves: 0,
    liveUntil: 0,
    earned: 0,
    place,
    pieces: new Set(),
    together: new Together(),
    ...touched(),
  }
}

/**
 * The arrival that a row of the ledger describes; it gets a fresh lease. How long it was idle only the wall clock can
 * tell, and that may have been wrong then or be wrong now: it counts as idle for `mostIdle` milliseconds at most.
 */
export function arrivalOf(row: UploadRow, door: string, mostIdle: number, whole?: Arrival): Arrival {
  const { id, part, md5, sha256, filename, size, client, front, hashedTo, hashState, touchedAt } = row
  const { address, createdAt, concat } = row
  return {
    id,
    part,
    inode: undefined,
    claim: { md5, sha256, filename, size, client, concat },
    front,
    durable: front,
    followed: { hashedTo, hashState },
    lastByte: performance.now(),
    liveUntil: 0,
    earned: 0,
    touchedAt,
    idleBefore: Math.min(Math.max(0, Date.now() - touchedAt), mostIdle),
    door,
    resumable: true,
    isWhole: false,
    address,
    createdAt,
    reserves: whole ? 0 : (size ?? 0),
    place: whole && { whole, at: row.place ?? 0 },
    pieces: new Set(),
    together: new Together(),
  }
}

/** The row that describes an arrival as of its last checkpoint. */
export function rowOf(arrival: Arrival): UploadRow {
  const { id, part, claim, durable, followed, touchedAt, address, createdAt } = arrival
  const placed = arrival.place && { whole: arrival.place.whole.part, place: arrival.place.at }
  return {
    part,
    id,
    state: 'open',
    ...claim,
    front: durable,
    ...followed,
    touchedAt,
    address,
    createdAt,
    ...placed,
  }
}

/** The moment of a byte's arrival, on both clocks. */
export function touched(): Pick<Arrival, 'lastByte' | 'touchedAt' | 'idleBefore'> {
  return { lastByte: performance.now(), touchedAt: Date.now(), idleBefore: 0 }
}

/** Milliseconds since the last byte; a clock that jumps while we run changes nothing. */
export function idle({ lastByte, idleBefore }: Arrival): number {
  return idleBefore + performance.now() - lastByte
}

/** When, by the clock as it is now, the last byte came (wall-clock milliseconds). */
export function lastTouch(arrival: Arrival): number {
  return Date.now() - idle(arrival)
}

/**
 * The offset that a client may be told: on disk, and never the whole length, since nobody ever sees offset = length
 * before the content is on the shelf.
 */
export function reported({ durable, claim }: Arrival): number {
  // A piece is complete in its own right.
  if (isPartial({ claim })) return durable
  return claim.size === undefined ? durable : Math.min(durable, Math.max(0, claim.size - 1))
}

/** An id that nobody can guess: 32 hex digits. */
export function randomId(): string {
  return randomBytes(16).toString('hex')
}

import { FerryError } from '../errors.js'
import type { Arrival, Claim } from './arrival.js'

/** So many pieces of one upload may be open at a time. */
const MOST_PIECES = 16
/** So far ahead of the front a piece may end, in bytes: what is there can't be hashed yet. */
const MOST_AHEAD = 512 * 1024 * 1024
/** So many pieces ahead of the front are kept, and so many stretches that they make up: all are looked at, and told. */
const MOST_KEPT = 4096
const MOST_STRETCHES = 64
/** So many that were ended before they had brought anything are remembered, so that their senders hear why. */
const MOST_SPENT = 16
/** Seconds after which a piece that came too soon may come again. */
const RETRY_AFTER = 1

/** Where a piece's bytes go: into another upload's part, from this byte on. */
export interface Place {
  whole: Arrival
  at: number
}

/** The name of the part that an arrival's bytes go into. */
export function partOf({ place, part }: Arrival): string {
  return place?.whole.part ?? part
}

/** Whether a piece has lost the upload that it belongs to: that has ended. */
export function isHomeless(piece: Arrival): boolean {
  return piece.place !== undefined && !piece.place.whole.pieces.has(piece)
}

/** Whether pieces can be placed in an upload. */
export function takesPieces({ claim, resumable, isWhole, place }: Arrival): boolean {
  return claim.size !== undefined && claim.concat === undefined && resumable && !isWhole && !place
}

/**
 * The place that a piece asks for. Placed pieces never overlap, neither each other nor what the front has passed: what
 * was hashed is not written again. Errors: `not-found` (no such open upload), `bad-request`, `offset-conflict` (taken),
 * `too-many` (later).
 */
export function placeFor({ size }: Claim, at: number, whole: Arrival | undefined): Place {
  if (!whole) throw new FerryError('not-found', 'no such upload to place this piece in')
  if (whole.claim.size === undefined || !takesPieces(whole))
    throw new FerryError(
      'bad-request',
      'pieces can be placed in an upload whose length was declared, and in no other',
    )
  if (size === undefined || size === 0 || at + size > whole.claim.size)
    throw new FerryError('bad-request', 'a placed piece has a length, and ends before its upload does')
  const end = at + size
  if (at < whole.front || whole.isAppending || overlapping(whole, at, end).length > 0)
    throw new FerryError('offset-conflict', 'these bytes are there already, or on their way')
  // What begins at the front never has to wait for anything, or an upload might wait for ever.
  if (at > whole.front && isTooMuch(whole, end))
    throw new FerryError('too-many', 'too far ahead: send what comes before, first', {
      retryAfter: RETRY_AFTER,
    })
  return { whole, at }
}

/** Whether an upload can't have another piece ahead of its front that ends there. */
function isTooMuch(whole: Arrival, end: number): boolean {
  const { front, pieces } = whole
  const open = [...pieces].filter((piece) => piece.front < extent(piece))
  const kept = overlapping(whole, front, Infinity)
  return (
    open.length >= MOST_PIECES ||
    end - front > MOST_AHEAD ||
    kept.length >= MOST_KEPT ||
    stretches(whole).length >= MOST_STRETCHES
  )
}

/** How many bytes a piece will have in the end, as far as that is known. */
function extent({ cutTo, claim }: Arrival): number {
  return cutTo ?? claim.size!
}

/** The pieces that have a byte in a stretch. */
export function overlapping({ pieces }: Arrival, start: number, end: number): Arrival[] {
  return [...pieces].filter((piece) => {
    const { at } = piece.place!
    return extent(piece) > 0 && start < at + extent(piece) && at < end
  })
}

/** The pieces that were ended before they had brought anything, but for the last ones: nobody misses them. */
export function spent({ pieces }: Arrival): Arrival[] {
  return [...pieces].filter((piece) => extent(piece) === 0).slice(0, -MOST_SPENT)
}

/** The front passes over pieces that begin where it stands. */
export function absorb(whole: Arrival): void {
  for (;;) {
    const next = [...whole.pieces].find(
      ({ place, front }) => place!.at <= whole.front && whole.front < place!.at + front,
    )
    if (!next) return
    whole.front = next.place!.at + next.front
  }
}

/** How many bytes may be written at the front before they would meet a piece. */
export function gap({ front, pieces }: Arrival): number {
  const ahead = [...pieces].filter((piece) => piece.front > 0 && piece.place!.at >= front)
  return Math.min(...ahead.map(({ place }) => place!.at), Infinity) - front
}

/** The pieces that the front has passed, all of each. */
export function passed({ pieces }: Arrival, front: number): Arrival[] {
  return [...pieces].filter(
    (piece) => piece.front === extent(piece) && piece.place!.at + piece.front <= front,
  )
}

/** What is on disk ahead of the front: where each stretch begins and ends, in bytes. */
export function stretches({ durable, pieces }: Arrival): [start: number, end: number][] {
  const merged: [start: number, end: number][] = []
  const found = [...pieces]
    .map((piece): [number, number] => [piece.place!.at, piece.place!.at + piece.durable])
    .filter(([start, end]) => end > start && end > durable)
    .toSorted(([one], [other]) => one - other)
  for (const [start, end] of found) {
    const last = merged.at(-1)
    if (last?.[1] === start) last[1] = end
    else merged.push([start, end])
  }
  return merged
}

/** The error for who goes on with a piece that is frozen. */
export function overtaken(): FerryError {
  return new FerryError('offset-conflict', 'this piece is over: what is missing, another sender brings')
}

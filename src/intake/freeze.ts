import type { Arrival } from './arrival.js'
import type { Endings } from './endings.js'
import { keep } from './keep.js'
import type { Locks } from './locks.js'
import type { Stores } from './stores.js'

interface House {
  uploads: Locks
  stores: Stores
  endings: Endings
}

/**
 * Ends pieces where they stand on disk; what they have brought stays. When it resolves none of them is written any more, so
 * that somebody else may write what is missing. Errors: those of `checkpoint`.
 */
export async function freeze(pieces: readonly Arrival[], { uploads, stores, endings }: House): Promise<void> {
  for (const piece of pieces) piece.isFrozen = true
  // Whoever writes is asked to leave, and leaves at a checkpoint.
  for (const piece of pieces) (await uploads.acquire(piece.id))()
  for (const piece of pieces) {
    // That has failed: the front may have passed over what nobody could be told of.
    if (piece.front > piece.durable) await endings.unlessPoisoned(piece, keep(piece, stores))
    const { part, durable, claim } = piece
    if (claim.size !== durable) await stores.ledger.write('cutPiece', { part, size: durable })
    // Until here all of its place was its own: what was under way may have come to rest anywhere in it.
    piece.cutTo = durable
  }
}

import { diskError, FerryError, syncError } from '../errors.js'
import type { Part } from '../store/part.js'
import type { Stored } from '../store/rows.js'
import { randomId, rowOf, type Arrival } from './arrival.js'
import { openPart, startFollowing } from './open-part.js'
import { LEAD } from './part-writer.js'
import type { Locks } from './locks.js'
import type { Stores } from './stores.js'
import type { Md5 } from '../contract.js'

/** A finish that has longer to wait for the follower says `hash-pending` instead, in bytes. */
const PATIENCE = 8 * LEAD

/**
 * Turns a complete part into a content on the shelf; call it under the upload's lock. Each step is durable before the
 * next begins, so a kill between any two leaves an upload that finishes again, or one that is finished.
 * Errors: `md5-mismatch`, `hash-pending` (the hash state was lost; later), `sync-failed`, `io-failed`, `disk-full`.
 */
export async function finish(
  arrival: Arrival,
  stores: Stores,
  contents: Locks,
): Promise<{ content: Stored; isNew: boolean }> {
  const part = await openPart(arrival, stores)
  let md5: Md5
  try {
    md5 = await verified(arrival, part, stores)
  } finally {
    await part.close()
  }
  return shelve(arrival, md5, stores, contents)
}

/**
 * The last steps, for a part whose MD5 is known: onto the shelf, and into the ledger. `bring`: writes the part, where that
 * has waited until it was sure to be wanted.
 */
export async function shelve(
  arrival: Arrival,
  md5: Md5,
  stores: Stores,
  contents: Locks,
  bring: () => Promise<void> = () => Promise.resolve(),
): Promise<{ content: Stored; isNew: boolean }> {
  const { shelf, ledger } = stores
  // The same bytes may finish under two names at once: the second finds what the first has stored.
  return contents.under(md5, async () => {
    const known = shelf.find(md5)
    // What only its name vouches for, or is longer or shorter, may be anything: ours has been read.
    const isKnown = known?.isVerified === true && known.size === arrival.claim.size
    // What lies under the name that the ledger has is found wrong by nobody once that has another.
    const file = ledger.read.content(md5)?.file
    if (!isKnown) await bring()
    const content = isKnown ? known : await place(arrival, md5, file, stores)
    await record(arrival, content, stores)
    return { content, isNew: !isKnown }
  })
}

/** Content and upload, in one commit. */
function record(arrival: Arrival, content: Stored, { ledger }: Stores): Promise<void> {
  const { part, resumable, isWhole } = arrival
  const now = Date.now()
  if (isWhole) return ledger.write('storeWhole', { row: rowOf(arrival), content, now })
  // A form's row is only there to be listed.
  return ledger.write(resumable ? 'finish' : 'storeForm', { part, content, now })
}

/** Puts the part onto the shelf, under the `file` name that the content has there, if it has one. */
async function place(
  { part, claim, front }: Arrival,
  md5: Md5,
  file: string | undefined,
  { inbox, shelf }: Stores,
): Promise<Stored> {
  const { filename } = claim
  const content = { md5, file: file ?? shelf.nameFor(md5, filename), filename, size: front }
  await shelf.place(inbox.path(part), content.file, inbox.path(randomId()))
  return content
}

/** The MD5 of the part, which is on disk then, and is not longer than what came for it. */
async function verified(arrival: Arrival, part: Part, stores: Stores): Promise<Md5> {
  startFollowing(arrival, stores)
  const md5 = await digest(arrival, stores)
  if (arrival.claim.md5 && arrival.claim.md5 !== md5) throw mismatch(arrival.claim.md5, md5)
  // Who declares another one from now on comes too late for this comparison.
  arrival.claim = { ...arrival.claim, md5 }
  await part.cut(arrival.front).catch((error: unknown) => {
    throw diskError(error, 'looking at the part')
  })
  try {
    await part.sync()
  } catch (error) {
    throw syncError(error)
  }
  return md5
}

async function digest(arrival: Arrival, { follower }: Stores): Promise<Md5> {
  const lag = follower.lag(arrival.part)
  if (lag > PATIENCE) {
    void follower.within(arrival.part, 0).catch(() => undefined) // goes on by itself; the next try finds it further
    throw new FerryError('hash-pending', 'the server reads the file again to verify it; try again soon', {
      retryAfter: Math.max(1, Math.ceil(lag / (256 * 1024 * 1024))),
    })
  }
  return follower.digest(arrival.part, arrival.front)
}

/** The error for bytes that are not what was claimed. */
export function mismatch(declared: Md5, computed: Md5): FerryError {
  return new FerryError('md5-mismatch', `declared md5 ${declared}, received ${computed}; nothing was kept`)
}

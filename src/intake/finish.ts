import { diskError, FerryError, syncError } from '../errors.js'
import type { Part } from '../store/part.js'
import type { Digests } from '../store/follower.js'
import type { Found, Stored } from '../store/rows.js'
import { randomId, rowOf, type Arrival, type Claim } from './arrival.js'
import { openPart, startFollowing } from './open-part.js'
import { LEAD } from './part-writer.js'
import type { Locks } from './locks.js'
import { collision } from './standing.js'
import type { Stores } from './stores.js'
import type { Md5, Sha256 } from '../contract.js'

/** A finish that has longer to wait for the follower says `hash-pending` instead, in bytes. */
const PATIENCE = 8 * LEAD

/**
 * Turns a complete part into a content on the shelf; call it under the upload's lock. Each step is durable before the
 * next begins, so a kill between any two leaves an upload that finishes again, or one that is finished.
 * Errors: `md5-mismatch`, `collision`, `hash-pending` (a hash state was lost; later), `sync-failed`, `io-failed`, `disk-full`.
 */
export async function finish(
  arrival: Arrival,
  stores: Stores,
  contents: Locks,
): Promise<{ content: Stored; isNew: boolean }> {
  const part = await openPart(arrival, stores)
  let digests: Digests
  try {
    digests = await verified(arrival, part, stores)
  } finally {
    await part.close()
  }
  return shelve(arrival, digests, stores, contents)
}

/**
 * The last steps, for a part whose digests are known: onto the shelf, and into the ledger. `bring`: writes the part, where that
 * has waited until it was sure to be wanted.
 */
export async function shelve(
  arrival: Arrival,
  { md5, sha256 }: Digests,
  stores: Stores,
  contents: Locks,
  bring: () => Promise<void> = () => Promise.resolve(),
): Promise<{ content: Stored; isNew: boolean }> {
  const { shelf, ledger } = stores
  // The same bytes may finish under two names at once: the second finds what the first has stored.
  return contents.under(md5, async () => {
    const row = ledger.read.content(md5)
    const known = row && shelf.found(row)
    // What only its name vouches for, or is longer or shorter, may be anything: ours has been read.
    const isKnown = known?.isVerified === true && (await isSame(known, arrival.claim, sha256, stores))
    // What lies under the name that the ledger has is found wrong by nobody once that has another.
    const file = row?.file
    if (!isKnown) await bring()
    const content = isKnown ? known : await place(arrival, { md5, sha256 }, file, stores)
    await record(arrival, content, !isKnown, stores)
    return { content, isNew: !isKnown }
  })
}

/**
 * Whether a content that was read once is what has come now, as far as can be told: whoever has declared no SHA-256 gets
 * the first of two that collide, unless both are known anyway. Throws `collision`. False where it is, on a second look,
 * not what its name says.
 */
async function isSame(
  known: Found,
  { size, sha256: declared }: Claim,
  ours: Sha256 | undefined,
  { fingerprints }: Stores,
): Promise<boolean> {
  if (known.size !== size) throw collision(known.md5, `${size} bytes`, `${known.size}`)
  const theirs = declared ? await fingerprints.of(known) : known.sha256
  if (theirs && ours && theirs !== ours) throw collision(known.md5, `sha256 ${ours}`, theirs)
  return !declared || theirs !== undefined
}

/** Content and upload, in one commit. */
function record(arrival: Arrival, content: Stored, isNew: boolean, { ledger }: Stores): Promise<void> {
  const { part, resumable, isWhole } = arrival
  const now = Date.now()
  if (isWhole) return ledger.write('storeWhole', { row: rowOf(arrival), content, now, isNew })
  // A form's row is only there to be listed.
  return ledger.write(resumable ? 'finish' : 'storeForm', { part, content, now, isNew })
}

/** Puts the part onto the shelf, under the `file` name that the content has there, if it has one. */
async function place(
  { part, claim, front }: Arrival,
  digests: Digests,
  file: string | undefined,
  { inbox, shelf }: Stores,
): Promise<Stored> {
  const { filename } = claim
  const content = { ...digests, file: file ?? shelf.nameFor(digests.md5, filename), filename, size: front }
  await shelf.place(inbox.path(part), content.file, () => inbox.path(randomId()))
  return content
}

/** What the part is known by, which is on disk then, and is not longer than what came for it. */
async function verified(arrival: Arrival, part: Part, stores: Stores): Promise<Digests> {
  startFollowing(arrival, stores)
  const { md5, ...kept } = await digestsOf(arrival, stores)
  const sha256 = kept.sha256 ?? (await readAgain(arrival, stores))
  expectDeclared(arrival.claim, { md5, sha256 })
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
  return { md5, sha256 }
}

async function digestsOf(arrival: Arrival, { follower }: Stores): Promise<Digests> {
  const lag = follower.lag(arrival.part)
  if (lag > PATIENCE) {
    void follower.within(arrival.part, 0).catch(() => undefined) // goes on by itself; the next try finds it further
    throw new FerryError('hash-pending', 'the server reads the file again to verify it; try again soon', {
      retryAfter: Math.max(1, Math.ceil(lag / (256 * 1024 * 1024))),
    })
  }
  return follower.digests(arrival.part, arrival.front)
}

/**
 * The SHA-256 of a part, where one is declared and was not kept from the first byte on: the server was started meanwhile,
 * or it was declared later. Then, and only then, the part is read twice.
 */
async function readAgain(arrival: Arrival, { inbox, fingerprints }: Stores): Promise<Sha256 | undefined> {
  const { part, claim, front } = arrival
  if (!claim.sha256) return undefined
  arrival.reading ??= fingerprints.read(inbox.path(part), front)
  try {
    return await fingerprints.inTime(arrival.reading)
  } catch (error) {
    const goesOn = error instanceof FerryError && error.code === 'hash-pending'
    if (!goesOn) arrival.reading = undefined
    throw error
  }
}

/** Throws `md5-mismatch` or `collision` where the bytes are not what was claimed. */
export function expectDeclared(claim: Claim, { md5, sha256 }: Digests): void {
  if (claim.md5 && claim.md5 !== md5) throw mismatch(claim.md5, md5)
  if (claim.sha256 && claim.sha256 !== sha256)
    throw collision(claim.md5, `declared sha256 ${claim.sha256}`, `received ${sha256}`)
}

function mismatch(declared: Md5, computed: Md5): FerryError {
  return new FerryError('md5-mismatch', `declared md5 ${declared}, received ${computed}; nothing was kept`)
}

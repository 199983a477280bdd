import type { Inbox } from './inbox.js'
import type { Ledger } from './ledger.js'
import type { UploadRow } from './rows.js'
import { scan, type Scanned } from './scan.js'
import type { Shelf } from './shelf.js'
import { sweepParts } from './sweep.js'

export interface Recovered {
  /** The uploads that go on, their parts cut to their fronts. One with front = size is complete: finish it. */
  uploads: UploadRow[]
  shelf: Scanned
  /** Parts that nobody claimed. */
  swept: number
}

/** Brings shelf, ledger and inbox to agree, whatever a kill or a power cut has left. To be done before listening. */
export async function recover(shelf: Shelf, ledger: Ledger, inbox: Inbox): Promise<Recovered> {
  const contents = await scan(shelf, ledger)
  await Promise.all(ledger.read.forms().map((part) => ledger.write('forget', part)))
  const uploads: UploadRow[] = []
  for (const row of ledger.read.openUploads()) {
    const settled = await settle(row, ledger, inbox)
    if (settled) uploads.push(settled)
    else await ledger.write('forget', row.part)
  }
  const swept = await sweepParts(inbox, new Set(uploads.map(({ part }) => part)))
  return { uploads, shelf: contents, swept }
}

/** The row as its part bears it out; undefined where nothing can go on from it. */
async function settle(row: UploadRow, ledger: Ledger, inbox: Inbox): Promise<UploadRow | undefined> {
  const facts = await inbox.facts(row.part)
  if (!facts) {
    if (row.front > 0) return undefined
    await inbox.create(row.part)
    return row
  }
  // Linked to the shelf already: it was complete, and to cut it would cut the content.
  if (facts.links > 1) return facts.size === row.size ? { ...row, front: facts.size } : undefined
  if (facts.size >= row.front) {
    if (facts.size > row.front) await inbox.truncate(row.part, row.front)
    return row
  }
  return shorten(row, facts.size, ledger)
}

/** The part is shorter than was acknowledged (somebody cut it): it goes on from what is there. */
async function shorten(row: UploadRow, front: number, ledger: Ledger): Promise<UploadRow> {
  const rehash = row.hashedTo > front ? { hashedTo: 0, hashState: undefined } : {}
  const shorter = { ...row, front, ...rehash }
  await ledger.write('checkpoint', shorter)
  return shorter
}

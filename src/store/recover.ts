import { opendir } from 'node:fs/promises'
import { isErrno } from '../errors.js'
import { unlessFull } from './durable.js'
import type { Inbox, PartFacts } from './inbox.js'
import type { Ledger } from './ledger.js'
import type { UploadRow } from './rows.js'
import { scan, type Scanned } from './scan.js'
import type { Shelf } from './shelf.js'
import { sweepParts } from './sweep.js'

const CONTENT = /^[0-9a-f]{32}(\.|$)/i

export interface Recovered {
  /** The uploads that go on, their parts cut to their fronts. One with front = size is complete: finish it. */
  uploads: UploadRow[]
  shelf: Scanned
  /** Parts that nobody claimed. */
  swept: number
}

/** What a kill, a power cut or somebody's hand can have made of an upload: what its row and its part say together. */
export type UploadState =
  | 'sound'
  /** The row was written, the part not made yet. */
  | 'part-to-be-made'
  /** Bytes were acknowledged, and the part is not there, or is another one. */
  | 'part-missing'
  /** Longer than its checkpoint: what is beyond may be garbage. */
  | 'part-longer'
  /** Shorter than its checkpoint: somebody has cut it. */
  | 'part-shorter'
  /** Linked to the shelf already: it was complete, and only its last steps are missing. */
  | 'part-on-shelf'

/** Brings shelf, ledger and inbox to agree, whatever a kill or a power cut has left. To be done before listening. */
export async function recover(shelf: Shelf, ledger: Ledger, inbox: Inbox): Promise<Recovered> {
  const contents = await scan(shelf, ledger)
  await Promise.all(ledger.read.forms().map((part) => unlessFull(ledger.write('forget', part))))
  const uploads: UploadRow[] = []
  const rows = ledger.read.openUploads()
  for (const row of rows.filter(({ whole }) => whole === undefined)) {
    const pieces = rows.filter(({ whole }) => whole === row.part)
    const settled = await settle(row, reach(row, pieces), ledger, inbox)
    if (!settled) {
      await unlessFull(ledger.write('forget', row.part))
      continue
    }
    const size = (await inbox.facts(row.part))?.size ?? 0
    // Of a piece that somebody has cut nothing is left: it has no part of its own to go on from.
    const cut = pieces.filter((piece) => piece.front > 0 && endOf(piece) > size)
    for (const { part } of cut) await unlessFull(ledger.write('forget', part))
    uploads.push(settled, ...pieces.filter((piece) => !cut.includes(piece)))
  }
  const parts = new Set(uploads.map(({ part }) => part))
  const orphans = rows.filter(({ whole }) => whole !== undefined && !parts.has(whole))
  for (const { part } of orphans) await unlessFull(ledger.write('forget', part))
  const swept = await sweepParts(inbox, parts)
  return { uploads, shelf: contents, swept }
}

/** Where the bytes of a placed piece end in the part that they stand in. */
function endOf({ place = 0, front }: UploadRow): number {
  return place + front
}

/** How far a part has been acknowledged, by its own upload and by the pieces that fill it ahead of its front. */
export function reach(row: UploadRow, pieces: UploadRow[]): number {
  return Math.max(row.front, ...pieces.filter(({ front }) => front > 0).map(endOf))
}

/** What the disk says of an upload whose part is acknowledged as far as that (bytes). */
export function diagnose(row: UploadRow, facts: PartFacts | undefined, reached = row.front): UploadState {
  if (!facts) return reached > 0 ? 'part-missing' : 'part-to-be-made'
  // A part gets its second link when it is whole, and a piece never does. Any other one is somebody's, of a backup by links.
  if (facts.links > 1 && facts.size === row.size && row.concat !== 'partial') return 'part-on-shelf'
  if (facts.size > reached) return 'part-longer'
  return facts.size < row.front ? 'part-shorter' : 'sound'
}

/** The row as its part bears it out; undefined where nothing can go on from it. */
async function settle(
  row: UploadRow,
  reached: number,
  ledger: Ledger,
  inbox: Inbox,
): Promise<UploadRow | undefined> {
  const facts = await inbox.facts(row.part)
  const size = facts?.size ?? 0
  switch (diagnose(row, facts, reached)) {
    case 'sound':
      return row
    case 'part-to-be-made':
      return (await canBeMade(row.part, inbox)) ? row : undefined
    case 'part-missing':
      return undefined
    case 'part-longer':
      await inbox.truncate(row.part, reached)
      return row
    case 'part-shorter':
      return shorten(row, size, ledger)
    case 'part-on-shelf':
      // To cut it to its checkpoint would cut the content.
      return { ...row, front: size }
  }
}

/** False where something stands in its place that is no file: nobody can write to that. */
async function canBeMade(part: string, inbox: Inbox): Promise<boolean> {
  try {
    await unlessFull(inbox.create(part))
    return true
  } catch (error) {
    if (isErrno(error, 'EEXIST')) return false
    throw error
  }
}

/** It goes on from what is there. */
async function shorten(row: UploadRow, front: number, ledger: Ledger): Promise<UploadRow> {
  // Nor need it be the same bytes: it is read again from its beginning.
  const shorter = { ...row, front, hashedTo: 0, hashState: undefined }
  await unlessFull(ledger.write('checkpoint', shorter))
  return shorter
}

/** Without a ledger only its contents tell a shelf from any other folder; one that is not there has none. */
export async function holdsContents(directory: string): Promise<boolean> {
  try {
    for await (const { name } of await opendir(directory)) if (CONTENT.test(name)) return true
    return false
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return false
    throw error
  }
}

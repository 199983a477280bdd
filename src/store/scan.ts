import { parseMd5, type Md5 } from '../contract.js'
import { unlessFull } from './durable.js'
import type { Ledger } from './ledger.js'
import { NameSet } from './name-set.js'
import type { Shelf } from './shelf.js'

export interface Scanned {
  /** Contents on the shelf; those the ledger did not know; those that are gone. */
  known: number
  added: number
  missing: number
  /** Names in the folder that are no content's. */
  other: number
}

/** Brings the ledger to agree with the names on the shelf, compared in bulk: the shelf is right. */
export async function scan(shelf: Shelf, ledger: Ledger): Promise<Scanned> {
  const { names, other } = readNames(shelf, ledger)
  const missing = await dropMissing(names, shelf, ledger)
  const added = names.unmarked > 0 ? await adoptUnmarked(names, shelf, ledger) : 0
  return { known: ledger.read.totals().files, added, missing, other }
}

/** Every content's name in the folder. */
export function readNames(shelf: Shelf, ledger: Ledger): { names: NameSet; other: number } {
  const names = new NameSet(ledger.read.totals().files)
  let other = 0
  for (const batch of shelf.scan()) {
    other += batch.other
    for (const name of batch.names) names.add(name)
  }
  return { names, other }
}

/** The ledger's names that the folder hasn't got; the others are marked. */
export function* missingNames(names: NameSet, ledger: Ledger): Generator<string> {
  for (const page of ledger.read.files()) {
    for (const file of page) if (!names.mark(file)) yield file
  }
}

async function dropMissing(names: NameSet, shelf: Shelf, ledger: Ledger): Promise<number> {
  const gone = [...missingNames(names, ledger)]
  const dropped = gone.map((file) => {
    const md5 = parseMd5(file.slice(0, 32)) as Md5
    return unlessFull(ledger.write('forgetContent', { md5, file, path: shelf.path(file) }))
  })
  return (await Promise.all(dropped)).filter(Boolean).length
}

async function adoptUnmarked(names: NameSet, shelf: Shelf, ledger: Ledger): Promise<number> {
  let handed: Promise<unknown> = Promise.resolve()
  for (const batch of shelf.scan()) {
    const unknown = batch.names.filter((name) => !names.isMarked(name))
    if (unknown.length === 0) continue
    await handed // one batch ahead: while this thread reads names, the other takes them in
    handed = ledger.write('found', JSON.stringify(unknown))
  }
  await handed
  return (await unlessFull(ledger.write('adopt', Date.now()))) ?? 0
}

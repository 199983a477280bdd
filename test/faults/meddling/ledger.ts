import Database from 'libsql'
import { cp, open, readdir, readFile, rename, rm, stat, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { md5 } from '../../support/tus.js'
import { bytesOf, type Random } from '../random.js'
import type { House, Scenario } from './house.js'

const DB = 'ledger.db'
const WAL = 'ledger.db-wal'
const SHM = 'ledger.db-shm'
/** Where a database of SQLite has its `user_version`: four bytes, the highest first. */
const VERSION_AT = 60

/** What can happen to the ledger while the server is stopped. All of it, but for what is `harmless`, destroys. */
interface Meddling {
  title: string
  strike: (house: House) => Promise<void>
  harmless?: boolean
}

const MEDDLINGS: Meddling[] = [
  { title: 'deleted', strike: ({ ledger }) => rm(ledger, { recursive: true }) },
  { title: 'without its -wal', strike: (house) => remove(house, WAL) },
  { title: 'without its -shm', strike: (house) => remove(house, SHM), harmless: true },
  { title: 'without its database', strike: (house) => remove(house, DB) },
  ...[DB, WAL].flatMap((file) => [
    { title: `with bytes overwritten in ${file}`, strike: damage(file, overwrite) },
    { title: `with ${file} truncated`, strike: damage(file, shorten) },
    { title: `with garbage for ${file}`, strike: damage(file, garble) },
  ]),
  { title: 'of an older version', strike: toFirstVersion, harmless: true },
]

export const ledgerScenarios: Scenario[] = [
  ...MEDDLINGS.map((meddling) => ({
    title: `a ledger ${meddling.title}`,
    play: (house: House) => meddle(house, meddling),
  })),
  { title: 'a ledger put back from earlier', play: (house) => putBack(house, [DB, WAL, SHM]) },
  { title: 'a database put back from earlier under a later -wal', play: (house) => putBack(house, [DB]) },
  { title: 'a ledger of a newer version', play: refuse },
]

/** Whatever became of the index: the shelf is whole, and whoever was sending gets through. */
async function meddle(house: House, { strike, harmless }: Meddling): Promise<void> {
  await house.store()
  const begun = await house.begin()
  await house.stop()
  await strike(house)
  // A destroyed ledger: uploads that were open start over.
  if (!harmless) house.witness.pending.clear()
  await startAnyway(house)
  if (!harmless) await house.goOn(begun)
}

/** The server starts, or says why not and what to do, and that helps. */
async function startAnyway({ server, ledger, findings, witness }: House): Promise<void> {
  try {
    await server.start()
  } catch (error) {
    const { message } = error as Error
    // Four bytes of the database say its version; nothing can tell a newer one from a garbled one.
    if (!/written by a newer Ferry .* or move the folder away/.test(message)) findings.stuck.push(message)
    await rename(ledger, `${ledger}.away-${Date.now()}`)
    witness.pending.clear()
    await server.start()
  }
}

async function putBack(house: House, files: string[]): Promise<void> {
  const { server, ledger, witness } = house
  const early = await house.begin()
  await house.stop()
  const copy = join(server.dir, `copy-${house.random.between(1, 1e9)}`)
  await cp(ledger, copy, { recursive: true })
  await server.start()
  await house.goOn(early)
  await house.store()
  const late = await house.begin()
  await house.stop()
  for (const file of files) {
    await rm(join(ledger, file), { force: true })
    if ((await readdir(copy)).includes(file)) await cp(join(copy, file), join(ledger, file))
  }
  witness.pending.clear()
  await startAnyway(house)
  await house.goOn(late)
}

/** Refused in one clear line, and nothing changed: the newer Ferry finds it as it left it. */
async function refuse(house: House): Promise<void> {
  const { server, findings } = house
  await house.begin()
  await house.stop()
  const version = await setVersion(house, 99)
  const before = await snapshot(house)
  const line = await server.start().then(
    () => 'it started',
    (error: Error) => error.message,
  )
  if (!/^the server did not start: \[ERROR\] Can't start: .* written by a newer Ferry .*\n$/.test(line))
    findings.wrong.push(`a ledger of a newer version: ${line}`)
  if ((await snapshot(house)) !== before) findings.lost.push('a ledger of a newer version was changed')
  await server.kill()
  await setVersion(house, version)
  await server.start()
}

/** All names, and the database as it is: `setVersion` leaves nothing in the -wal. */
async function snapshot({ server, ledger }: House): Promise<string> {
  const database = await readFile(join(ledger, DB))
  return JSON.stringify([await server.shelf(), await server.inbox(), md5(database)])
}

/**
 * Returns the version that was there. Read from the file's head: libsql closes no connection that has made a statement,
 * and a -shm that somebody has open misleads the next server about a -wal that was damaged meanwhile.
 */
async function setVersion({ ledger }: House, version: number): Promise<number> {
  moveIntoDatabase(ledger)
  const before = (await readFile(join(ledger, DB))).readUInt32BE(VERSION_AT)
  const db = new Database(join(ledger, DB))
  db.exec(`PRAGMA user_version=${version}`)
  db.close()
  return before
}

/** Takes away what later versions have added: so the first one had left it. */
function toFirstVersion({ ledger }: House): Promise<void> {
  const db = new Database(join(ledger, DB))
  db.exec(`
    DROP TRIGGER content_added; DROP TRIGGER content_changed; DROP TRIGGER content_gone;
    DROP TABLE totals; DROP TABLE marks; DROP INDEX contents_by_size;
    ALTER TABLE uploads DROP COLUMN address; ALTER TABLE uploads DROP COLUMN created_at;
    DROP INDEX contents_without_sha256;
    ALTER TABLE contents DROP COLUMN sha256;
    ALTER TABLE uploads DROP COLUMN sha256;
    DROP INDEX uploads_by_whole; ALTER TABLE uploads DROP COLUMN whole; ALTER TABLE uploads DROP COLUMN place;
    DROP INDEX uploads_by_concat; ALTER TABLE uploads DROP COLUMN concat;
    PRAGMA user_version=1`)
  db.close()
  return Promise.resolve()
}

/** After a clean stop there is no -wal and no -shm. */
async function remove({ ledger }: House, file: string): Promise<void> {
  await rm(join(ledger, file), { force: true })
}

/** One of its files is damaged, and it is the one that counts. */
function damage(file: string, strike: (path: string, random: Random) => Promise<void>) {
  return async ({ ledger, random }: House): Promise<void> => {
    // A young ledger stands in its -wal alone, and whatever becomes of the database is written over.
    if (file === DB) moveIntoDatabase(ledger)
    if ((await sizeOf(join(ledger, file))) > 0) await strike(join(ledger, file), random)
  }
}

function moveIntoDatabase(ledger: string): void {
  const db = new Database(join(ledger, DB))
  db.exec('PRAGMA wal_checkpoint(TRUNCATE)')
  db.close()
}

async function overwrite(path: string, random: Random): Promise<void> {
  const size = await sizeOf(path)
  const handle = await open(path, 'r+')
  try {
    for (let times = random.between(1, 6); times > 0; times--) {
      const bytes = bytesOf({ number: random.between(1, 1e9), size: random.between(1, 600) })
      await handle.write(bytes, 0, Math.min(bytes.length, size), random.between(0, size - 1))
    }
  } finally {
    await handle.close()
  }
}

async function shorten(path: string, random: Random): Promise<void> {
  await truncate(path, random.between(0, (await sizeOf(path)) - 1))
}

async function garble(path: string, random: Random): Promise<void> {
  await writeFile(path, bytesOf(random.specimen(200_000)))
}

async function sizeOf(path: string): Promise<number> {
  return stat(path).then(
    ({ size }) => size,
    () => 0,
  )
}

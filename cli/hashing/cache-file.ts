import type Database from 'libsql'
import { randomBytes } from 'node:crypto'
import { mkdir, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { systemCodeOf } from '../errors.js'
import { takeLock } from '../lock.js'

/** Tables of another version are thrown away: they can be made anew. */
const VERSION = 2
const TABLES = `
BEGIN IMMEDIATE;
CREATE TABLE IF NOT EXISTS files (
  path TEXT PRIMARY KEY, stamp TEXT NOT NULL, md5 TEXT NOT NULL, sha256 TEXT, used INTEGER NOT NULL,
  seal TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS partials (
  path TEXT PRIMARY KEY, stamp TEXT NOT NULL, hashed_to INTEGER NOT NULL, state BLOB NOT NULL, used INTEGER NOT NULL,
  seal TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS marks (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
PRAGMA user_version=${VERSION};
COMMIT;
`

/**
 * The cache's database in `folder`, made where it is missing, begun anew where it is torn. undefined where there can be
 * none (no folder, no room, no such library for this machine): a cache is never worth an error.
 */
export async function openCacheFile(folder: string): Promise<Database.Database | undefined> {
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 })
    for (let attempt = 0; attempt < 10; attempt++) {
      const db = await connect(fileIn(folder)).catch(() => renew(folder))
      if (db) return db
      await sleep(50) // while another process renews it
    }
  } catch {
    // As good as no cache.
  }
  return undefined
}

function fileIn(folder: string): string {
  return join(folder, 'hashes.db')
}

async function connect(file: string): Promise<Database.Database> {
  // Loading it takes 20 ms, which a run without a cache does not need to wait for.
  const { default: Connection } = await import('libsql')
  const db = new Connection(file)
  try {
    db.exec('PRAGMA busy_timeout=2000')
    const { user_version: version } = db.prepare('PRAGMA user_version').get() as { user_version: number }
    if (version !== 0 && version !== VERSION) throw new Error(`the cache has version ${version}`)
    // A power cut may cost the newest entries, never the order of the writes.
    db.exec('PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA journal_size_limit=8388608')
    if (version === 0) db.exec(TABLES)
    db.prepare('SELECT 1 FROM files, partials, marks LIMIT 0')
    return db
  } catch (error) {
    db.close()
    throw error
  }
}

/**
 * Puts an empty cache in the place of a torn one, and opens it; undefined while another process does. It comes in one
 * rename, so that nobody writes into a log that is then deleted. Whoever has the old one open goes on with it, unseen.
 */
export async function renew(folder: string): Promise<Database.Database | undefined> {
  const lock = await takeLock(join(folder, 'renewing.lock'))
  if (!lock) return undefined
  try {
    const file = fileIn(folder)
    // Asked again under the lock: another process may have renewed it meanwhile.
    if (await isTorn(file)) await replace(file)
    return await connect(file)
  } finally {
    await lock.release().catch(() => undefined)
  }
}

/** One that is merely busy is not torn. */
async function isTorn(file: string): Promise<boolean> {
  try {
    const db = await connect(file)
    const verdict = db.prepare('PRAGMA quick_check(1)').get() as { quick_check: string }
    db.close()
    return verdict.quick_check !== 'ok'
  } catch (error) {
    return !systemCodeOf(error)?.startsWith('SQLITE_BUSY')
  }
}

/** An empty file is an empty database. */
async function replace(file: string): Promise<void> {
  const draft = `${file}.${randomBytes(6).toString('hex')}`
  await writeFile(draft, '', { flag: 'wx', mode: 0o600 })
  try {
    await Promise.all(['-wal', '-shm'].map((end) => rm(file + end, { force: true })))
    await rename(draft, file)
  } finally {
    await rm(draft, { force: true })
  }
}

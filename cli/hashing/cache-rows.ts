import type Database from 'libsql'
import { hash } from 'node:crypto'
import type { Digests } from './digests.js'

/** A hashing that was interrupted: the state of its MD5 after so many bytes. */
export interface PartialHash {
  hashedTo: number
  state: Uint8Array
}

export type Write =
  | ({ what: 'md5'; path: string; stamp: string } & Digests)
  | ({ what: 'partial'; path: string; stamp: string } & PartialHash)
  | { what: 'use'; path: string }

/** Reading and writing the cache's rows. Days are counted from 1970. Everything here may throw SQLite's errors. */
export type Rows = ReturnType<typeof rowsOf>

const KEPT_DAYS = 90
/** 100 bytes each. */
const MOST_FILES = 500_000
/** So that a file uploaded every day is not written every day. */
const AGING_DAYS = 7

export function rowsOf(db: Database.Database, mostFiles = MOST_FILES) {
  const findFile = db.prepare('SELECT stamp, md5, sha256, used, seal FROM files WHERE path=?')
  const findPartial = db.prepare('SELECT stamp, hashed_to, state, seal FROM partials WHERE path=?')
  const addFile = db.prepare('INSERT OR REPLACE INTO files VALUES (?, ?, ?, ?, ?, ?)')
  const addPartial = db.prepare('INSERT OR REPLACE INTO partials VALUES (?, ?, ?, ?, ?, ?)')
  const dropPartial = db.prepare('DELETE FROM partials WHERE path=?')
  const use = db.prepare('UPDATE files SET used=? WHERE path=?')

  function put(write: Write): void {
    const { path } = write
    if (write.what === 'use') return void use.run(today(), path)
    if (write.what === 'partial') {
      const { stamp, hashedTo, state } = write
      addPartial.run(path, stamp, hashedTo, state, today(), sealOf(path, stamp, hashedTo, state))
      return
    }
    const { stamp, md5, sha256 = null } = write
    addFile.run(path, stamp, md5, sha256, today(), sealOf(path, stamp, md5, sha256 ?? ''))
    dropPartial.run(path)
  }

  return {
    digests(
      path: string,
      stamp: string,
    ): { md5: string; sha256: string | null; isAging: boolean } | undefined {
      const row = findFile.get(path) as
        { stamp: string; md5: string; sha256: string | null; used: number; seal: string } | undefined
      if (row?.stamp !== stamp || row.seal !== sealOf(path, stamp, row.md5, row.sha256 ?? ''))
        return undefined
      return { md5: row.md5, sha256: row.sha256, isAging: row.used < today() - AGING_DAYS }
    },

    partial(path: string, stamp: string): PartialHash | undefined {
      const row = findPartial.get(path) as
        { stamp: string; hashed_to: number; state: ArrayBuffer; seal: string } | undefined
      if (row?.stamp !== stamp) return undefined
      const state = new Uint8Array(row.state)
      if (row.seal !== sealOf(path, stamp, row.hashed_to, state)) return undefined
      return { hashedTo: row.hashed_to, state }
    },

    /** All or nothing; SQLITE_BUSY if another process writes for longer than `patienceMs`. */
    write(writes: Write[], patienceMs: number): void {
      db.exec(`PRAGMA busy_timeout=${patienceMs}`)
      within(db, () => writes.forEach(put))
    },

    /** Once a day: what was not used for 90 days goes, and what was not used longest where there is too much. */
    prune(): void {
      const mark = db.prepare(`SELECT value FROM marks WHERE name='pruned'`).get() as
        { value: number } | undefined
      if (mark?.value === today()) return
      within(db, () => {
        db.prepare(`INSERT OR REPLACE INTO marks VALUES ('pruned', ?)`).run(today())
        for (const table of ['files', 'partials']) {
          db.prepare(`DELETE FROM ${table} WHERE used < ?`).run(today() - KEPT_DAYS)
        }
        const { count } = db.prepare('SELECT count(*) AS count FROM files').get() as { count: number }
        if (count <= mostFiles) return
        db.prepare('DELETE FROM files WHERE path IN (SELECT path FROM files ORDER BY used LIMIT ?)').run(
          count - mostFiles,
        )
      })
    },
  }
}

function today(): number {
  return Math.floor(Date.now() / 86_400_000)
}

/** SQLite does not check its pages. A row that was torn, or mixed up with another, must not name a wrong MD5. */
function sealOf(...fields: (string | number | Uint8Array)[]): string {
  const texts = fields.map((field) =>
    typeof field === 'object' ? Buffer.from(field).toString('hex') : field,
  )
  return hash('sha1', texts.join('\n'), 'hex').slice(0, 16)
}

function within(db: Database.Database, act: () => void): void {
  db.exec('BEGIN IMMEDIATE')
  try {
    act()
    db.exec('COMMIT')
  } catch (error) {
    if (db.inTransaction) db.exec('ROLLBACK')
    throw error
  }
}

import type Database from 'libsql'
import type { Md5 } from '../contract.js'
import type { Checkpoint, Stored, UploadRow } from './rows.js'

/** A name found on the shelf. */
export interface ShelfName {
  md5: Md5
  file: string
}

/** Everything that changes the ledger, each a function of one transaction's worth. Runs in the ledger's worker. */
export function verbs(db: Database.Database) {
  const put = db.prepare(
    `INSERT INTO uploads (part, id, state, md5, filename, size, client, front, hashed_to, hash_state, touched_at)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
  )
  const checkpoint = db.prepare(
    `UPDATE uploads SET front=?, hashed_to=?, hash_state=?, touched_at=? WHERE part=? AND state='open'`,
  )
  const rename = db.prepare(
    `UPDATE uploads SET id=?, client=?, filename=?, touched_at=? WHERE part=? AND state='open'`,
  )
  const declare = db.prepare(`UPDATE uploads SET size=? WHERE part=? AND state='open'`)
  const end = db.prepare(
    `UPDATE uploads SET state=?, md5=?, size=?, front=?, hash_state=NULL, touched_at=? WHERE part=?`,
  )
  const drop = db.prepare('DELETE FROM uploads WHERE part=?')
  const storeContent = db.prepare(
    `INSERT INTO contents (md5, file, filename, size, verified, stored_at) VALUES (?, ?, ?, ?, 1, ?)
     ON CONFLICT (md5) DO UPDATE SET file=excluded.file, size=excluded.size, verified=1,
       filename=CASE contents.filename WHEN '' THEN excluded.filename ELSE contents.filename END`,
  )
  const measure = db.prepare('UPDATE contents SET size=? WHERE md5=? AND size IS NULL')
  db.exec('CREATE TEMP TABLE found (file TEXT PRIMARY KEY, md5 TEXT NOT NULL) WITHOUT ROWID')
  const found = db.prepare('INSERT OR IGNORE INTO temp.found (file, md5) VALUES (?, ?)')

  return {
    /** A new upload. */
    addUpload(row: UploadRow): void {
      put.run(
        row.part,
        row.id,
        row.state,
        row.md5 ?? null,
        row.filename,
        row.size ?? null,
        row.client ?? null,
        row.front,
        row.hashedTo,
        row.hashState ? Buffer.from(row.hashState) : null,
        row.touchedAt,
      )
    },
    /** Where an open upload stands on disk. Throws when there is no such upload any more. */
    checkpoint(point: Checkpoint): void {
      const state = point.hashState ? Buffer.from(point.hashState) : null
      only(checkpoint.run(point.front, point.hashedTo, state, point.touchedAt, point.part))
    },
    /** The upload goes on under a new id, in other hands. */
    handOver(row: Pick<UploadRow, 'part' | 'id' | 'client' | 'filename' | 'touchedAt'>): void {
      only(rename.run(row.id, row.client ?? null, row.filename, row.touchedAt, row.part))
    },
    /** The size of an upload that was created without one. */
    declareSize({ part, size }: { part: string; size: number }): void {
      only(declare.run(size, part))
    },
    /** A content is on the shelf. */
    store({ content, now }: { content: Stored; now: number }): void {
      storeContent.run(content.md5, content.file, content.filename, content.size, now)
    },
    /** The upload has become this content: both rows or none. */
    finish({ part, content, now }: { part: string; content: Stored; now: number }): void {
      storeContent.run(content.md5, content.file, content.filename, content.size, now)
      only(end.run('finished', content.md5, content.size, content.size, now, part))
    },
    /** The upload ended without a content; its id answers 410 from now on. */
    bury({ part, now }: { part: string; now: number }): void {
      end.run('gone', null, null, 0, now, part)
    },
    /** Forgets an upload's row altogether. */
    forget(part: string): void {
      drop.run(part)
    },
    /** The size of a content that was taken in by its name. */
    measure({ md5, size }: { md5: Md5; size: number }): void {
      measure.run(size, md5)
    },
    /** Makes room for the names of one scan of the shelf. */
    beginScan(): void {
      db.exec('DELETE FROM temp.found')
    },
    /** Names of the scan, as many as come at once. */
    seen(names: ShelfName[]): void {
      for (const name of names) found.run(name.file, name.md5)
    },
    /** Compares in bulk what the scan has seen with what the ledger knew: the shelf is right. */
    endScan(now: number): { known: number; added: number; missing: number } {
      const missing = db
        .prepare('DELETE FROM contents WHERE file NOT IN (SELECT file FROM temp.found)')
        .run().changes
      const added = db
        .prepare(
          `INSERT OR IGNORE INTO contents (md5, file, filename, size, verified, stored_at)
           SELECT md5, min(file), '', NULL, 0, ? FROM temp.found WHERE md5 NOT IN (SELECT md5 FROM contents) GROUP BY md5`,
        )
        .run(now).changes
      const { known } = db.prepare('SELECT count(*) AS known FROM contents').get() as { known: number }
      db.exec('DELETE FROM temp.found')
      return { known, added, missing }
    },
  }
}

export type Verbs = ReturnType<typeof verbs>

function only(result: { changes: number }): void {
  if (result.changes !== 1)
    throw new Error(`the ledger has no such open upload (${result.changes} rows changed)`)
}

import type Database from 'libsql'
import { existsSync, lstatSync } from 'node:fs'
import type { Md5, Sha256 } from '../contract.js'
import type { Checkpoint, PlacedCheckpoint, Stored, UploadRow } from './rows.js'

/** Everything that changes the ledger, each a function of one transaction's worth. Runs in the ledger's worker. */
export function verbs(db: Database.Database) {
  const add = db.prepare(
    `INSERT INTO uploads
       (part, id, state, md5, filename, size, client, front, hashed_to, hash_state, touched_at, address, created_at,
        sha256, concat, whole, place)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
  )
  const checkpoint = db.prepare(
    `UPDATE uploads SET front=?, hashed_to=?, hash_state=?, touched_at=? WHERE part=? AND state='open'`,
  )
  const checkpointPiece = db.prepare(`UPDATE uploads SET front=?, touched_at=? WHERE part=? AND state='open'`)
  const rename = db.prepare(
    `UPDATE uploads SET id=?, client=?, filename=?, touched_at=?, address=?, sha256=?, concat=?
     WHERE part=? AND state='open'`,
  )
  const advance = db.prepare(`UPDATE uploads SET front=?, touched_at=? WHERE part=? AND state='form'`)
  const touch = db.prepare(`UPDATE uploads SET touched_at=? WHERE part=? AND state='open'`)
  const declare = db.prepare(`UPDATE uploads SET size=? WHERE part=? AND state='open'`)
  const bind = db.prepare(`UPDATE uploads SET md5=?, sha256=? WHERE part=? AND state='open'`)
  const join = db.prepare(`UPDATE uploads SET state='joined', touched_at=? WHERE part=? AND state='open'`)
  const end = db.prepare(
    `UPDATE uploads SET state=?, md5=?, size=?, front=?, hash_state=NULL, touched_at=? WHERE part=?`,
  )
  const drop = db.prepare('DELETE FROM uploads WHERE part=?1 OR whole=?1')
  const dropPieces = db.prepare('DELETE FROM uploads WHERE whole=?')
  const storeContent = db.prepare(
    `INSERT INTO contents (md5, file, filename, size, verified, stored_at, sha256) VALUES (?, ?, ?, ?, 1, ?, ?)
     ON CONFLICT (md5) DO UPDATE SET file=excluded.file, size=excluded.size, verified=1,
       sha256=CASE ? WHEN 1 THEN excluded.sha256 ELSE coalesce(contents.sha256, excluded.sha256) END,
       filename=CASE contents.filename WHEN '' THEN excluded.filename ELSE contents.filename END`,
  )
  const measure = db.prepare('UPDATE contents SET size=? WHERE md5=? AND size IS NULL')
  const size = db.prepare('UPDATE contents SET size=? WHERE md5=?')
  const verify = db.prepare('UPDATE contents SET size=?, verified=1, sha256=coalesce(sha256, ?) WHERE md5=?')
  const setSha256 = db.prepare(
    `UPDATE contents SET sha256=?, size=?, verified=1
     WHERE md5=? AND file=? AND sha256 IS NULL AND (size IS NULL OR size=?)`,
  )
  const dropContent = db.prepare('DELETE FROM contents WHERE md5=? AND file=?')
  const setMark = db.prepare(
    'INSERT INTO marks (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value=excluded.value',
  )
  // Not in memory, as this build of SQLite would have it: with a million names that is 200 MB.
  db.exec('PRAGMA temp_store=FILE')
  db.exec('CREATE TEMP TABLE found (file TEXT NOT NULL)')
  const found = db.prepare('INSERT INTO temp.found SELECT value FROM json_each(?)')

  function put({ content, now, isNew = true }: Stocked): void {
    const { md5, file, filename, size, sha256 = null } = content
    storeContent.run(md5, file, filename, size, now, sha256, isNew ? 1 : 0)
  }

  return {
    /** A new upload. */
    addUpload(row: UploadRow): void {
      add.run(
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
        row.address ?? null,
        row.createdAt,
        row.sha256 ?? null,
        row.concat ?? null,
        row.whole ?? null,
        row.place ?? null,
      )
    },
    /** A form is on its way in, and so far: for the operator to see, nobody goes on with it. */
    listForm(row: UploadRow): void {
      if (advance.run(row.front, row.touchedAt, row.part).changes === 0)
        this.addUpload({ ...row, state: 'form' })
    },
    /** Where an open upload stands on disk. Throws when there is no such upload any more. */
    checkpoint(point: Checkpoint): void {
      const state = point.hashState ? Buffer.from(point.hashState) : null
      only(checkpoint.run(point.front, point.hashedTo, state, point.touchedAt, point.part))
    },
    /** Where an upload stands on disk, and the pieces placed in it. Throws when there is no such upload any more. */
    checkpointPlaced({ whole, pieces, joined }: PlacedCheckpoint): void {
      this.checkpoint(whole)
      // Not each of them has to be there still: who has no row any more hears of that elsewhere.
      for (const { front, touchedAt, part } of pieces) checkpointPiece.run(front, touchedAt, part)
      this.join({ parts: joined, now: whole.touchedAt })
    },
    /** A piece ends where it stands. */
    cutPiece({ part, size }: { part: string; size: number }): void {
      declare.run(size, part)
    },
    /** The upload goes on under a new id, in other hands. */
    handOver(row: Hands): void {
      const { id, client = null, filename, touchedAt, address = null, sha256 = null, concat = null } = row
      only(rename.run(id, client, filename, touchedAt, address, sha256, concat, row.part))
    },
    /** When an open upload had its last byte, by the clock as it is now. */
    touch({ part, touchedAt }: Pick<UploadRow, 'part' | 'touchedAt'>): void {
      touch.run(touchedAt, part)
    },
    /** The MD5, and the SHA-256 if it is declared, of an upload that was created without. */
    bind({ part, md5, sha256 }: { part: string; md5: Md5; sha256?: Sha256 | undefined }): void {
      only(bind.run(md5, sha256 ?? null, part))
    },
    /** The size of an upload that was created without one. */
    declareSize({ part, size }: { part: string; size: number }): void {
      only(declare.run(size, part))
    },
    /** A content is on the shelf. */
    store(stocked: Stocked): void {
      put(stocked)
    },
    /** Takes in a content that was read on the shelf, if its file is still there; says whether it is. */
    storeFound({ content, now, path }: { content: Stored; now: number; path: string }): boolean {
      if (!existsSync(path)) return false
      put({ content, now })
      return true
    },
    /** A form has become this content. */
    storeForm({ part, ...stocked }: Stocked & { part: string }): void {
      put(stocked)
      drop.run(part)
    },
    /** What came whole has become this content: both rows or none. */
    storeWhole({ row, ...stocked }: Stocked & { row: UploadRow }): void {
      const { content, now } = stocked
      const { md5, size } = content
      put(stocked)
      this.addUpload({ ...row, state: 'finished', md5, size, front: size, touchedAt: now })
    },
    /** The upload has become this content: both rows or none. */
    finish({ part, ...stocked }: Stocked & { part: string }): void {
      const { content, now } = stocked
      put(stocked)
      only(end.run('finished', content.md5, content.size, content.size, now, part))
      dropPieces.run(part)
    },
    /** The bytes of these pieces stand in another upload, durably. */
    join({ parts, now }: { parts: string[]; now: number }): void {
      for (const part of parts) join.run(now, part)
    },
    /** The upload ended without a content; its id answers 410 from now on. */
    bury({ part, now }: { part: string; now: number }): void {
      end.run('gone', null, null, 0, now, part)
      dropPieces.run(part)
    },
    /** Forgets an upload's row altogether. */
    forget(part: string): void {
      drop.run(part)
    },
    /** The sizes of contents that were taken in by their names. */
    measure(sizes: { md5: Md5; size: number }[]): void {
      for (const { md5, size } of sizes) measure.run(size, md5)
    },
    /** The size of a content's file is another one than was recorded. */
    resize({ md5, size: bytes }: { md5: Md5; size: number }): void {
      size.run(bytes, md5)
    },
    /** Somebody has read the whole file, and it is what its name says. `cursor`: the scrub has come so far. */
    verified({ md5, size, sha256, cursor }: Verified): void {
      verify.run(size, sha256 ?? null, md5)
      if (cursor !== undefined) setMark.run('scrub', cursor)
    },
    /** The SHA-256 of a content's file, if that is still the one that was read. */
    fingerprint({ md5, file, path, sha256, size, inode, touchedAt }: Fingerprinted): void {
      const stats = lstatSync(path, { throwIfNoEntry: false })
      if (stats?.ino !== inode || stats.mtimeMs !== touchedAt || stats.size !== size) return
      setSha256.run(sha256, size, md5, file, size)
    },
    /** Remembers something under a name. */
    mark({ name, value }: { name: string; value: string }): void {
      setMark.run(name, value)
    },
    /**
     * Forgets a content whose file is not there any more, and says whether it did. Looked at once again inside of the
     * transaction: whoever stores the same content puts its file there first, and its row in after us.
     */
    forgetContent({ md5, file, path }: { md5: Md5; file: string; path: string }): boolean {
      return !existsSync(path) && dropContent.run(md5, file).changes > 0
    },
    /** Forgets a content whose file is wrong and can't be moved out of the way, so that it is not served at least. */
    disown({ md5, file }: { md5: Md5; file: string }): void {
      dropContent.run(md5, file)
    },
    /** Names that the shelf has, as a JSON array, to be adopted. */
    found(names: string): void {
      found.run(names)
    },
    /** Takes in the contents whose names were found; returns how many the ledger did not know. Sorted, which is quick. */
    adopt(now: number): number {
      const { changes } = db
        .prepare(
          `INSERT OR IGNORE INTO contents (md5, file, filename, size, verified, stored_at)
           SELECT lower(substr(file, 1, 32)) AS md5, min(file), '', NULL, 0, ? FROM temp.found GROUP BY 1 ORDER BY 1`,
        )
        .run(now)
      db.exec('DELETE FROM temp.found')
      return changes
    },
  }
}

export type Verbs = ReturnType<typeof verbs>

/** A content that is on the shelf; not `isNew` where it was before, and what is known of it stays. */
interface Stocked {
  content: Stored
  now: number
  isNew?: boolean
}

type Hands = Pick<
  UploadRow,
  'part' | 'id' | 'client' | 'filename' | 'touchedAt' | 'address' | 'sha256' | 'concat'
>

interface Verified {
  md5: Md5
  size: number
  sha256?: Sha256 | undefined
  cursor: string | undefined
}

interface Fingerprinted {
  md5: Md5
  file: string
  path: string
  sha256: Sha256
  /** What the file was when it was read: bytes, inode, and when it was last written in milliseconds. */
  size: number
  inode: number
  touchedAt: number
}

function only(result: { changes: number }): void {
  if (result.changes !== 1)
    throw new Error(`the ledger has no such open upload (${result.changes} rows changed)`)
}

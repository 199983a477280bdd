import Database from 'libsql'
import { FerryError } from '../errors.js'

/**
 * How the tables came to be: a ledger of version n has had the first n of these. One of a newer version is refused, an
 * older one is brought up to date.
 */
const VERSIONS = [
  `
CREATE TABLE IF NOT EXISTS contents (
  md5 TEXT PRIMARY KEY, file TEXT NOT NULL, filename TEXT NOT NULL, size INTEGER, verified INTEGER NOT NULL,
  stored_at INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS uploads (
  part TEXT PRIMARY KEY, id TEXT NOT NULL UNIQUE, state TEXT NOT NULL, md5 TEXT, filename TEXT NOT NULL, size INTEGER,
  client TEXT, front INTEGER NOT NULL, hashed_to INTEGER NOT NULL, hash_state BLOB, touched_at INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS uploads_by_age ON uploads (touched_at);
`,
  // Who is sending, and since when; how much there is without counting it; where the scrub is.
  `
ALTER TABLE uploads ADD COLUMN address TEXT;
ALTER TABLE uploads ADD COLUMN created_at INTEGER NOT NULL DEFAULT 0;
UPDATE uploads SET created_at=touched_at;
CREATE TABLE totals (files INTEGER NOT NULL, bytes INTEGER NOT NULL);
INSERT INTO totals SELECT count(*), coalesce(sum(size), 0) FROM contents;
CREATE TRIGGER content_added AFTER INSERT ON contents BEGIN
  UPDATE totals SET files=files+1, bytes=bytes+coalesce(new.size, 0);
END;
CREATE TRIGGER content_changed AFTER UPDATE OF size ON contents BEGIN
  UPDATE totals SET bytes=bytes+coalesce(new.size, 0)-coalesce(old.size, 0);
END;
CREATE TRIGGER content_gone AFTER DELETE ON contents BEGIN
  UPDATE totals SET files=files-1, bytes=bytes-coalesce(old.size, 0);
END;
CREATE TABLE marks (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
`,
  // Whether a file may be there is asked by its size alone.
  `
CREATE INDEX contents_by_size ON contents (size) WHERE size IS NOT NULL;
`,
  // MD5 is broken: what is stored is told from its like by SHA-256, which is computed later.
  `
ALTER TABLE contents ADD COLUMN sha256 TEXT;
ALTER TABLE uploads ADD COLUMN sha256 TEXT;
CREATE INDEX contents_without_sha256 ON contents (md5) WHERE sha256 IS NULL AND verified=1;
`,
  // What an upload is in a concatenation; the finals are looked up by it.
  `
ALTER TABLE uploads ADD COLUMN concat TEXT;
CREATE INDEX uploads_by_concat ON uploads (concat) WHERE concat IS NOT NULL AND concat<>'partial';
`,
  // Whose part a piece's bytes go into, and where.
  `
ALTER TABLE uploads ADD COLUMN whole TEXT;
ALTER TABLE uploads ADD COLUMN place INTEGER;
CREATE INDEX uploads_by_whole ON uploads (whole) WHERE whole IS NOT NULL;
`,
]

/** A connection with the settings that every writer and reader of the ledger needs; makes the file and tables. */
export function connect(file: string): Database.Database {
  const db = new Database(file)
  db.exec('PRAGMA busy_timeout=5000')
  db.exec('PRAGMA journal_mode=WAL')
  // FULL: a commit is on disk when it returns; what the ledger acknowledges survives a power cut.
  db.exec('PRAGMA synchronous=FULL')
  const version = versionOf(db)
  if (version > VERSIONS.length) {
    db.close()
    throw new FerryError(
      'io-failed',
      `the ledger ${file} was written by a newer Ferry (version ${version}); start that one, or move the folder away to rebuild it from the shelf`,
    )
  }
  if (version < VERSIONS.length) migrate(db)
  return db
}

function versionOf(db: Database.Database): number {
  const { user_version: version } = db.prepare('PRAGMA user_version').get() as { user_version: number }
  return version
}

/** All or nothing, so that a kill in the middle leaves the older version. */
function migrate(db: Database.Database): void {
  db.exec('BEGIN IMMEDIATE')
  try {
    // Another process may have been faster.
    for (const change of VERSIONS.slice(versionOf(db))) db.exec(change)
    db.exec(`PRAGMA user_version=${VERSIONS.length}; COMMIT`)
  } catch (error) {
    if (db.inTransaction) db.exec('ROLLBACK')
    throw error
  }
}

/**
 * True where SQLite has found garbage. That need not be on the disk: libsql 0.5.29 takes a page that it could not read
 * (EIO) for one that it has read, and keeps it. A fresh connection reads it again.
 */
export function isGarbage(error: unknown): boolean {
  return error instanceof Error && 'code' in error && /^SQLITE_(NOTADB|CORRUPT)/.test(String(error.code))
}

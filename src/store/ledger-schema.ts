import Database from 'libsql'
import { FerryError } from '../errors.js'

/** Raised with every change of the tables; a ledger of a newer version is refused, an older one is migrated. */
const SCHEMA_VERSION = 1

const SCHEMA = `
CREATE TABLE IF NOT EXISTS contents (
  md5 TEXT PRIMARY KEY, file TEXT NOT NULL, filename TEXT NOT NULL, size INTEGER, verified INTEGER NOT NULL,
  stored_at INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS uploads (
  part TEXT PRIMARY KEY, id TEXT NOT NULL UNIQUE, state TEXT NOT NULL, md5 TEXT, filename TEXT NOT NULL, size INTEGER,
  client TEXT, front INTEGER NOT NULL, hashed_to INTEGER NOT NULL, hash_state BLOB, touched_at INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS uploads_by_age ON uploads (touched_at);
`

/** A connection with the settings that every writer and reader of the ledger needs; makes the file and tables. */
export function connect(file: string): Database.Database {
  const db = new Database(file)
  db.exec('PRAGMA busy_timeout=5000')
  db.exec('PRAGMA journal_mode=WAL')
  // FULL: a commit is on disk when it returns; what the ledger acknowledges survives a power cut.
  db.exec('PRAGMA synchronous=FULL')
  const { user_version: version } = db.prepare('PRAGMA user_version').get() as { user_version: number }
  if (version > SCHEMA_VERSION) {
    db.close()
    throw new FerryError(
      'io-failed',
      `the ledger ${file} was written by a newer Ferry (version ${version}); start that one, or move the folder away to rebuild it from the shelf`,
    )
  }
  if (version < SCHEMA_VERSION) db.exec(`${SCHEMA} PRAGMA user_version=${SCHEMA_VERSION};`)
  return db
}

import { isUtf8 } from 'node:buffer'
import type Database from 'libsql'
import { isErrno } from '../errors.js'
import { connect, isGarbage } from './ledger-schema.js'

/** How many rows are read at a time. */
const PAGE = 4096

interface Page {
  rows: number
  /** How many texts are none. */
  others: number
  texts: Uint8Array
  last: Uint8Array
}

/** Every text in the ledger, by its table and column; what the columns are called comes first. */
const TEXTS = {
  sqlite_schema: ['name', 'tbl_name', 'sql'],
  contents: ['md5', 'file', 'filename', 'sha256'],
  uploads: ['part', 'id', 'state', 'md5', 'filename', 'client', 'address', 'sha256', 'concat', 'whole'],
  marks: ['name', 'value'],
}

/** Whether a ledger can't be read, or says of itself that it is damaged: a file that is not there is a new one. */
export function isTorn(file: string): boolean {
  try {
    const db = connect(file)
    expectReadable(db)
    const isSound = isConsistent(db)
    db.close()
    return !isSound
  } catch (error) {
    // SQLITE_ERROR: a head that SQLite can't make sense of, or tables that are not there.
    if (isGarbage(error) || isErrno(error, 'SQLITE_ERROR')) return true
    throw error
  }
}

function isConsistent(db: Database.Database): boolean {
  const [check] = db.prepare('PRAGMA quick_check(1)').all() as { quick_check: string }[]
  return check?.quick_check === 'ok'
}

/**
 * Throws SQLITE_CORRUPT where a text is none, or not in UTF-8. No check of SQLite's looks at that, and libsql 0.5.29 ends the
 * process where it meets one, so they are looked at as bytes.
 */
export function expectReadable(db: Database.Database): void {
  for (const [table, columns] of Object.entries(TEXTS)) {
    if (isReadable(db, table, columns)) continue
    throw Object.assign(new Error(`a text in ${table} is damaged`), { code: 'SQLITE_CORRUPT' })
  }
}

/** Some thousands of rows at a time, by their key, which comes first; out of its order, some would be passed over. */
function isReadable(db: Database.Database, table: string, columns: readonly string[]): boolean {
  const [key] = columns
  const others = columns.map((column) => `(typeof(${column}) NOT IN ('text', 'null'))`).join('+')
  const texts = columns.map((column) => `coalesce(${column}, '')`).join(`||'/'||`)
  const page = db.prepare(
    `SELECT count(*) AS rows, sum(${others}) AS others, CAST(group_concat(${texts}, '/') AS BLOB) AS texts,
       CAST(max(${key}) AS BLOB) AS last
     FROM (SELECT ${columns.join(', ')} FROM ${table} WHERE ${key}>CAST(? AS TEXT) ORDER BY ${key} LIMIT ${PAGE})`,
  )
  const { rows } = db.prepare(`SELECT count(*) AS rows FROM ${table}`).get() as { rows: number }
  let left = rows
  for (let last: Uint8Array | string = ''; ;) {
    const read = page.get([last]) as Page
    if (read.rows === 0) return left === 0
    if (read.others > 0 || !isUtf8(read.texts)) return false
    left -= read.rows
    last = read.last
  }
}

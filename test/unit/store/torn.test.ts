import Database from 'libsql'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { connect } from '#src/store/ledger-schema.js'
import { expectReadable, isTorn } from '#src/store/torn.js'
import { testFolder } from '../../support/folder.js'

/** A ledger with ten thousand contents, an upload and a mark, closed. */
function ledger(): string {
  const file = join(testFolder(), 'ledger.db')
  const db = connect(file)
  db.exec(`WITH RECURSIVE number(n) AS (SELECT 1 UNION ALL SELECT n+1 FROM number WHERE n<10000)
    INSERT INTO contents (md5, file, filename, size, verified, stored_at)
      SELECT printf('%032x', n*7919), printf('%032x.mp4', n*7919), '电影 🎬 ' || n, n, 1, 0 FROM number`)
  db.exec(`INSERT INTO uploads (part, id, state, filename, front, hashed_to, touched_at, hash_state)
    VALUES ('p', 'i', 'open', '', 0, 0, 0, x'ff00ff')`)
  db.exec(`INSERT INTO marks VALUES ('scrub', '0')`)
  db.exec('PRAGMA wal_checkpoint(TRUNCATE)')
  db.close()
  return file
}

function alter(file: string, sql: string): void {
  const db = new Database(file)
  db.exec(sql)
  db.close()
}

describe('a ledger', () => {
  it('is sound with names of any kind', () => {
    expect(isTorn(ledger())).toBe(false)
    expect(isTorn(join(testFolder(), 'new.db'))).toBe(false)
  })

  it.each([
    ['contents', 'md5', `md5=printf('%032x', 5000*7919)`],
    ['contents', 'file', 'size=5000'],
    ['contents', 'filename', 'size=10000'],
    ['contents', 'sha256', 'size=1'],
    ['uploads', 'client', '1=1'],
    ['uploads', 'id', '1=1'],
    ['marks', 'value', '1=1'],
  ])('is torn where a text is none, or not in UTF-8: %s.%s', (table, column, where) => {
    // A lone byte, a sequence that breaks off, bytes behind a NUL.
    for (const bytes of ['61ff62', '80', 'e78e', '6100ff']) {
      const file = ledger()
      alter(file, `UPDATE ${table} SET ${column}=CAST(x'${bytes}' AS TEXT) WHERE ${where}`)
      expect(isTorn(file)).toBe(true)
      expect(() => expectReadable(new Database(file))).toThrow(/damaged/)
    }
    const file = ledger()
    alter(file, `UPDATE ${table} SET ${column}=x'6162' WHERE ${where}`)
    expect(isTorn(file)).toBe(true)
  })

  it('is torn where its keys are out of order, which would hide rows, or the name of a column is garbage', () => {
    const md5 = (5000 * 7919).toString(16).padStart(32, '0')
    for (const [text, at, byte] of [
      [Buffer.from(`${md5}${md5}.mp4`), 0, 0x66],
      [Buffer.from('filename TEXT NOT NULL, size'), 2, 0xff],
    ] as const) {
      const file = ledger()
      const bytes = readFileSync(file)
      expect(bytes.includes(text)).toBe(true)
      bytes[bytes.indexOf(text) + at] = byte
      writeFileSync(file, bytes)
      expect(isTorn(file)).toBe(true)
    }
  })
})

import type { Md5, Sha256 } from '#src/contract.js'
import { Ledger } from '#src/store/ledger.js'
import type { UploadRow } from '#src/store/rows.js'
import Database from 'libsql'
import { mkdir, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { testFolder } from '../../support/folder.js'

const MD5 = 'a'.repeat(32) as Md5

function row(part: string, more: Partial<UploadRow> = {}): UploadRow {
  const fresh = {
    front: 0,
    hashedTo: 0,
    hashState: undefined,
    touchedAt: 1000,
    address: undefined,
    createdAt: 900,
  }
  const claim = { md5: MD5, filename: '视频.mp4', size: 2 ** 40, client: 'c' }
  return { part, id: part, state: 'open', ...claim, ...fresh, ...more }
}

/** What the first version of the program wrote. */
const FIRST_VERSION = `
CREATE TABLE contents (
  md5 TEXT PRIMARY KEY, file TEXT NOT NULL, filename TEXT NOT NULL, size INTEGER, verified INTEGER NOT NULL,
  stored_at INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE uploads (
  part TEXT PRIMARY KEY, id TEXT NOT NULL UNIQUE, state TEXT NOT NULL, md5 TEXT, filename TEXT NOT NULL, size INTEGER,
  client TEXT, front INTEGER NOT NULL, hashed_to INTEGER NOT NULL, hash_state BLOB, touched_at INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX uploads_by_age ON uploads (touched_at);
INSERT INTO contents VALUES ('${MD5}', '${MD5}.mp4', 'a.mp4', 7, 1, 1);
INSERT INTO uploads VALUES ('p', 'p', 'open', NULL, 'b.mp4', 10, NULL, 5, 0, NULL, 9);
PRAGMA user_version=1;`

async function openLedger(dir = testFolder()): Promise<Ledger> {
  const { ledger } = await Ledger.open(dir)
  onTestFinished(() => ledger.close().catch(() => undefined))
  return ledger
}

describe('Ledger', () => {
  it('reads back what it has written, undefined where nothing was', async () => {
    const ledger = await openLedger()
    const bare = row('p', { md5: undefined, size: undefined, client: undefined })
    await ledger.write('addUpload', bare)
    expect(ledger.read.upload('p')).toEqual(bare)
    expect(ledger.read.upload('q')).toBeUndefined()
    expect(ledger.read.content(MD5)).toBeUndefined()
  })

  it('keeps front and hash state of a checkpoint together', async () => {
    const ledger = await openLedger()
    await ledger.write('addUpload', row('p'))
    const hashState = Uint8Array.from({ length: 156 }, (_, index) => index)
    await ledger.write('checkpoint', {
      part: 'p',
      front: 2 ** 33,
      hashedTo: 2 ** 32,
      hashState,
      touchedAt: 5,
    })
    const read = ledger.read.upload('p')!
    expect(read).toMatchObject({ front: 2 ** 33, hashedTo: 2 ** 32, touchedAt: 5 })
    expect(Uint8Array.from(read.hashState!)).toEqual(hashState)
    // So that a start can go on from it, whichever way it was read.
    for (const { hashState: state } of [read, ...ledger.read.openUploads(), ...ledger.read.arriving()]) {
      expect(state).toBeInstanceOf(Uint8Array)
      expect(Buffer.from(state!).equals(hashState)).toBe(true)
    }
  })

  it('refuses a checkpoint of an upload that is gone: it would acknowledge what nobody keeps', async () => {
    const ledger = await openLedger()
    const point = { part: 'p', front: 1, hashedTo: 0, hashState: undefined, touchedAt: 5 }
    await expect(ledger.write('checkpoint', point)).rejects.toMatchObject({ code: 'io-failed' })
    await ledger.write('addUpload', row('p'))
    await ledger.write('checkpoint', point)
    await ledger.write('bury', { part: 'p', now: 9 })
    await expect(ledger.write('checkpoint', point)).rejects.toMatchObject({ code: 'io-failed' })
  })

  it('commits many writes at once, and one that fails does not take the others with it', async () => {
    const ledger = await openLedger()
    await ledger.write('addUpload', row('twice'))
    const writes = ['a', 'twice', 'b', 'c'].map((part) => ledger.write('addUpload', row(part)))
    const results = await Promise.allSettled(writes)
    expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled', 'fulfilled'])
    expect(ledger.read.openUploads().map(({ part }) => part)).toEqual(['a', 'b', 'c', 'twice'])
  })

  it('knows an upload by its new id after it has changed hands, and no longer by the old one', async () => {
    const ledger = await openLedger()
    await ledger.write('addUpload', row('p'))
    await ledger.write('handOver', {
      part: 'p',
      id: 'q',
      client: undefined,
      filename: 'b.mp4',
      touchedAt: 7,
      address: 'x',
    })
    expect(ledger.read.upload('p')).toBeUndefined()
    expect(ledger.read.upload('q')).toMatchObject({
      part: 'p',
      filename: 'b.mp4',
      client: undefined,
      touchedAt: 7,
    })
  })

  it('stores a content and ends its upload in one step, or neither', async () => {
    const ledger = await openLedger()
    const content = { md5: MD5, file: `${MD5}.mp4`, filename: 'a.mp4', size: 7 }
    await expect(ledger.write('finish', { part: 'none', content, now: 1 })).rejects.toThrow()
    expect(ledger.read.content(MD5)).toBeUndefined()
    await ledger.write('addUpload', row('p'))
    await ledger.write('finish', { part: 'p', content, now: 1 })
    expect(ledger.read.content(MD5)).toMatchObject({ ...content, isVerified: true })
    expect(ledger.read.upload('p')).toMatchObject({ state: 'finished', size: 7, front: 7 })
    expect(ledger.read.openUploads()).toEqual([])
  })

  it('keeps the first name of a content', async () => {
    const ledger = await openLedger()
    const content = { md5: MD5, file: `${MD5}.mp4`, filename: 'first.mp4', size: 7 }
    await ledger.write('store', { content, now: 1 })
    await ledger.write('store', { content: { ...content, filename: 'second.mp4' }, now: 1 })
    expect(ledger.read.content(MD5)?.filename).toBe('first.mp4')
  })

  it('has on disk what it has confirmed: another connection sees it', async () => {
    const dir = testFolder()
    const ledger = await openLedger(dir)
    await ledger.write('addUpload', row('p'))
    const db = new Database(join(dir, '.ledger', 'ledger.db'))
    expect(db.prepare('SELECT count(*) AS n FROM uploads').get()).toMatchObject({ n: 1 })
    db.close()
  })

  it('commits what was handed to it before it is closed, and refuses what comes after', async () => {
    const dir = testFolder()
    const { ledger } = await Ledger.open(dir)
    const last = ledger.write('addUpload', row('p'))
    await ledger.close()
    await last
    await expect(ledger.write('addUpload', row('q'))).rejects.toMatchObject({ code: 'io-failed' })
    const again = await openLedger(dir)
    expect(again.read.upload('p')).toBeDefined()
  })

  it('can be closed after its thread has ended, whatever ended that', async () => {
    const { ledger } = await Ledger.open(testFolder())
    await ledger.worker.terminate()
    await ledger.close()
  })

  it('brings a ledger of the first version up to date, with all that it knows', async () => {
    const dir = testFolder()
    await mkdir(join(dir, '.ledger'))
    const db = new Database(join(dir, '.ledger', 'ledger.db'))
    db.exec(FIRST_VERSION)
    db.close()
    const ledger = await openLedger(dir)
    expect(ledger.read.content(MD5)).toMatchObject({
      md5: MD5,
      file: `${MD5}.mp4`,
      filename: 'a.mp4',
      size: 7,
    })
    expect(ledger.read.contentWithoutSha256('')).toMatchObject({ md5: MD5, sha256: undefined })
    expect(ledger.read.totals()).toEqual({ files: 1, bytes: 7 })
    expect(ledger.read.openUploads()).toMatchObject([{ part: 'p', front: 5, touchedAt: 9, createdAt: 9 }])
    await ledger.write('addUpload', { ...row('q'), address: '192.0.2.1' })
    expect(ledger.read.upload('q')?.address).toBe('192.0.2.1')
  })

  it('takes a SHA-256 only for the file that was read, and keeps it while that is the content', async () => {
    const dir = testFolder()
    const ledger = await openLedger(dir)
    const [sha256, other] = ['1'.repeat(64) as Sha256, '2'.repeat(64) as Sha256]
    const path = join(dir, `${MD5}.mp4`)
    await writeFile(path, '1234567')
    const { ino: inode, mtimeMs: touchedAt, size } = await stat(path)
    const content = { md5: MD5, file: `${MD5}.mp4`, filename: 'a.mp4', size }
    await ledger.write('store', { content, now: 1 })
    const read = { md5: MD5, file: content.file, path, sha256, size, inode, touchedAt }
    for (const wrong of [{ inode: inode + 1 }, { touchedAt: 1 }, { size: 8 }, { path: `${path}x` }]) {
      await ledger.write('fingerprint', { ...read, ...wrong })
      expect(ledger.read.content(MD5)!.sha256).toBeUndefined()
    }
    await ledger.write('fingerprint', read)
    await ledger.write('fingerprint', { ...read, sha256: other })
    expect(ledger.read.content(MD5)!.sha256).toBe(sha256)
    expect(ledger.read.contentWithoutSha256('')).toBeUndefined()
    await ledger.write('store', { content, now: 2, isNew: false })
    expect(ledger.read.content(MD5)!.sha256).toBe(sha256)
    // Another file has come in its place, and nobody has read that.
    await ledger.write('store', { content, now: 3 })
    expect(ledger.read.contentWithoutSha256('')).toMatchObject({ md5: MD5 })
  })

  it('counts files and bytes as they come, change and go', async () => {
    const dir = testFolder()
    const ledger = await openLedger(dir)
    const content = { md5: MD5, file: `${MD5}.mp4`, filename: 'a.mp4', size: 7 }
    const other = { ...content, md5: 'b'.repeat(32) as Md5, file: `${'b'.repeat(32)}.mp4` }
    await ledger.write('store', { content, now: 1 })
    await ledger.write('store', { content: other, now: 1 })
    await ledger.write('store', { content: other, now: 2 })
    expect(ledger.read.totals()).toEqual({ files: 2, bytes: 14 })
    await ledger.write('resize', { md5: MD5, size: 10 })
    expect(ledger.read.totals()).toEqual({ files: 2, bytes: 17 })
    expect(await ledger.write('forgetContent', { ...content, path: join(dir, content.file) })).toBe(true)
    expect(ledger.read.totals()).toEqual({ files: 1, bytes: 7 })
  })

  it('does not forget a content whose file is there', async () => {
    const dir = testFolder()
    const ledger = await openLedger(dir)
    const content = { md5: MD5, file: `${MD5}.mp4`, filename: 'a.mp4', size: 7 }
    await ledger.write('store', { content, now: 1 })
    await writeFile(join(dir, content.file), '')
    expect(await ledger.write('forgetContent', { ...content, path: join(dir, content.file) })).toBe(false)
    expect(ledger.read.content(MD5)).toBeDefined()
  })

  it('refuses a ledger that a newer version has written, and says what to do', async () => {
    const dir = testFolder()
    const { ledger } = await Ledger.open(dir)
    await ledger.close()
    const db = new Database(join(dir, '.ledger', 'ledger.db'))
    db.exec('PRAGMA user_version=99')
    db.close()
    await expect(Ledger.open(dir)).rejects.toThrow(/newer Ferry/)
  })
})

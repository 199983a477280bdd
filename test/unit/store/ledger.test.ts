import type { Md5 } from '#src/contract.js'
import { Ledger } from '#src/store/ledger.js'
import type { UploadRow } from '#src/store/rows.js'
import Database from 'libsql'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { testFolder } from '../../support/folder.js'

const MD5 = 'a'.repeat(32) as Md5

function row(part: string, more: Partial<UploadRow> = {}): UploadRow {
  const fresh = { front: 0, hashedTo: 0, hashState: undefined, touchedAt: 1000 }
  const claim = { md5: MD5, filename: '视频.mp4', size: 2 ** 40, client: 'c' }
  return { part, id: part, state: 'open', ...claim, ...fresh, ...more }
}

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
    expect(ledger.upload('p')).toEqual(bare)
    expect(ledger.upload('q')).toBeUndefined()
    expect(ledger.content(MD5)).toBeUndefined()
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
    const read = ledger.upload('p')!
    expect(read).toMatchObject({ front: 2 ** 33, hashedTo: 2 ** 32, touchedAt: 5 })
    expect(Uint8Array.from(read.hashState!)).toEqual(hashState)
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
    expect(ledger.openUploads().map(({ part }) => part)).toEqual(['a', 'b', 'c', 'twice'])
  })

  it('knows an upload by its new id after it has changed hands, and no longer by the old one', async () => {
    const ledger = await openLedger()
    await ledger.write('addUpload', row('p'))
    await ledger.write('handOver', { part: 'p', id: 'q', client: undefined, filename: 'b.mp4', touchedAt: 7 })
    expect(ledger.upload('p')).toBeUndefined()
    expect(ledger.upload('q')).toMatchObject({
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
    expect(ledger.content(MD5)).toBeUndefined()
    await ledger.write('addUpload', row('p'))
    await ledger.write('finish', { part: 'p', content, now: 1 })
    expect(ledger.content(MD5)).toEqual(content)
    expect(ledger.upload('p')).toMatchObject({ state: 'finished', size: 7, front: 7 })
    expect(ledger.openUploads()).toEqual([])
  })

  it('keeps the first name of a content', async () => {
    const ledger = await openLedger()
    const content = { md5: MD5, file: `${MD5}.mp4`, filename: 'first.mp4', size: 7 }
    await ledger.write('store', { content, now: 1 })
    await ledger.write('store', { content: { ...content, filename: 'second.mp4' }, now: 1 })
    expect(ledger.content(MD5)?.filename).toBe('first.mp4')
  })

  it('compares a scan of the shelf in bulk: what is new comes in, what is gone goes', async () => {
    const ledger = await openLedger()
    const names = (letters: string) =>
      letters.split('').map((letter) => ({ md5: letter.repeat(32) as Md5, file: `${letter.repeat(32)}.bin` }))
    const scan = async (letters: string) => {
      await ledger.write('beginScan', undefined)
      await ledger.write('seen', names(letters))
      return ledger.write('endScan', 1)
    }
    expect(await scan('abc')).toEqual({ known: 3, added: 3, missing: 0 })
    expect(await scan('bcde')).toEqual({ known: 4, added: 2, missing: 1 })
    expect(await scan('bcde')).toEqual({ known: 4, added: 0, missing: 0 })
    expect(ledger.content(MD5)).toBeUndefined()
  })

  it('counts a content once that lies on the shelf under two extensions, and keeps serving the one it knew', async () => {
    const ledger = await openLedger()
    await ledger.write('store', {
      content: { md5: MD5, file: `${MD5}.mp4`, filename: 'a.mp4', size: 7 },
      now: 1,
    })
    await ledger.write('beginScan', undefined)
    await ledger.write('seen', [
      { md5: MD5, file: `${MD5}.avi` },
      { md5: MD5, file: `${MD5}.mp4` },
    ])
    expect(await ledger.write('endScan', 1)).toEqual({ known: 1, added: 0, missing: 0 })
    expect(ledger.content(MD5)?.file).toBe(`${MD5}.mp4`)
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
    expect(again.upload('p')).toBeDefined()
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

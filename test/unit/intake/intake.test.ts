import type { Md5 } from '#src/contract.js'
import { FerryError } from '#src/errors.js'
import { Intake, type IntakeOptions } from '#src/intake/intake.js'
import { Fingerprints } from '#src/store/fingerprints.js'
import { Follower } from '#src/store/follower.js'
import { Inbox } from '#src/store/inbox.js'
import { Ledger } from '#src/store/ledger.js'
import { recover } from '#src/store/recover.js'
import { Shelf } from '#src/store/shelf.js'
import Database from 'libsql'
import { link, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { testFolder } from '../../support/folder.js'
import { LIMITLESS } from '../../support/intake-options.js'
import { pause } from '../../support/server.js'
import { content } from '../../support/tus.js'

const FORM = { door: 'form', resumable: false, address: undefined, announced: 0 }

interface House {
  intake: Intake
  files: string
  tmp: string
  /** The same folders as a new process finds them. */
  reopen(): Promise<House>
}

async function openHouse(options: Partial<IntakeOptions> = {}, dir = testFolder()): Promise<House> {
  const files = join(dir, 'files')
  const tmp = join(dir, 'tmp')
  await Shelf.prepare(files)
  const { ledger } = await Ledger.open(files)
  const inbox = await Inbox.open(tmp)
  const follower = new Follower(1)
  const shelf = Shelf.open(files, ledger)
  const fingerprints = new Fingerprints(shelf, ledger, 60)
  const close = async () => {
    await follower.close()
    await fingerprints.close()
    await ledger.close()
  }
  let open = true
  onTestFinished(() => (open ? close() : undefined))
  const { uploads } = await recover(shelf, ledger, inbox)
  const intake = new Intake({ shelf, ledger, inbox, follower, fingerprints }, { ...LIMITLESS, ...options })
  await intake.resume(uploads)
  const reopen = async () => {
    open = false
    await close()
    return openHouse(options, dir)
  }
  return { intake, files, tmp, reopen }
}

const claimOf = (file: { md5: string; bytes: Buffer }, more = {}) => ({
  md5: file.md5 as Md5,
  filename: 'a.mp4',
  size: file.bytes.length as number | undefined,
  client: undefined,
  ...more,
})
const source = (bytes: Buffer) => Readable.from([bytes], { objectMode: false })

describe('Intake', () => {
  it('turns an upload into a content when its last byte has come', async () => {
    const { intake, files, tmp } = await openHouse()
    const file = content(100_000)
    const { id } = await intake.create(claimOf(file))
    expect(await intake.receive(id, 0, source(file.bytes.subarray(0, 60_000)))).toMatchObject({
      state: 'open',
      offset: 60_000,
    })
    const done = await intake.receive(id, 60_000, source(file.bytes.subarray(60_000)))
    expect(done).toMatchObject({ state: 'finished', content: { md5: file.md5, file: `${file.md5}.mp4` } })
    expect(intake.look(id)).toMatchObject({ state: 'finished' })
    expect(await readFile(join(files, `${file.md5}.mp4`))).toEqual(file.bytes)
    await intake.settled()
    expect(await readdir(tmp)).toEqual([])
  })

  it('puts what it has read in the place of a file that only has the right name', async () => {
    const file = content(10_000)
    for (const wrong of [Buffer.alloc(10_000, 1), file.bytes.subarray(0, 5000)]) {
      for (const declared of [file.md5, undefined]) {
        const house = await openHouse()
        await writeFile(join(house.files, `${file.md5}.mkv`), wrong)
        const { intake, files } = await house.reopen()
        // A declared md5 is asked for first, and the name answers where the size is right.
        if (declared && wrong.length === file.bytes.length) continue
        const { id } = await intake.create(claimOf(file, { md5: declared }))
        expect(await intake.receive(id, 0, source(file.bytes))).toMatchObject({
          state: 'finished',
          content: { md5: file.md5, file: `${file.md5}.mkv`, size: 10_000 },
        })
        expect(await readFile(join(files, `${file.md5}.mkv`))).toEqual(file.bytes)
        expect(intake.stores.ledger.read.content(file.md5 as Md5)).toMatchObject({ isVerified: true })
      }
    }
  })

  it('follows nobody for a piece whose upload ends while its part is opened', async () => {
    const { intake, tmp } = await openHouse()
    const file = content(1000)
    const { id: of } = await intake.create(claimOf(file))
    const piece = { md5: undefined, filename: '', size: 500, client: undefined, concat: 'partial' }
    await intake.place(piece, { of, at: 500 }, { ...FORM, door: 'tus', resumable: true }, 'piece')
    const { inbox, follower } = intake.stores
    const { part } = [...intake.arrivals()][0]!
    const open = inbox.openPart.bind(inbox)
    vi.spyOn(inbox, 'openPart').mockImplementation(async (name) => {
      const opened = await open(name)
      await intake.terminate(of)
      return opened
    })
    const receiving = intake.receive('piece', 0, source(file.bytes.subarray(500)))
    await expect(receiving).rejects.toMatchObject({ code: 'gone' })
    expect(follower.follows(part)).toBe(false)
    expect(await readdir(tmp)).toEqual([])
  })

  it('hands an upload over to its own client again, however quickly that comes back', async () => {
    const { intake } = await openHouse()
    const file = content(1000)
    const claim = claimOf(file, { client: 'a' })
    const [first, second] = await Promise.allSettled([intake.create(claim), intake.create(claim)])
    expect(first).toMatchObject({ status: 'rejected', reason: { code: 'not-found' } })
    expect(second).toMatchObject({ status: 'fulfilled', value: { state: 'open', offset: 0 } })
    const { id } = (second as PromiseFulfilledResult<{ id: string }>).value
    expect(await intake.receive(id, 0, source(file.bytes))).toMatchObject({ state: 'finished' })
  })

  it('gives its own client what has become a content while it came back', async () => {
    const { intake, files } = await openHouse()
    const file = content(1000)
    const claim = claimOf(file, { client: 'mine' })
    const { id } = await intake.create(claim)
    const other = new Database(join(files, '.ledger', 'ledger.db'))
    onTestFinished(() => void other.close())
    other.exec('BEGIN IMMEDIATE')
    const received = intake.receive(id, 0, source(file.bytes))
    await vi.waitFor(async () => expect(await readdir(files)).toContain(`${file.md5}.mp4`))
    await pause(100) // its last step waits for the ledger now
    const again = intake.create(claim)
    await pause(100)
    other.exec('COMMIT')
    expect(await received).toMatchObject({ state: 'finished' })
    expect(await again).toMatchObject({ state: 'finished' })
    expect(intake.look(id)).toMatchObject({ state: 'finished' })
    expect([...intake.arrivals()]).toEqual([])
  })

  it('does not let an MD5 be declared that is known not to be its own any more', async () => {
    const { intake } = await openHouse()
    const file = content(1000)
    const { id } = await intake.create(claimOf(file, { md5: undefined }))
    const { shelf } = intake.stores
    const place = shelf.place.bind(shelf)
    vi.spyOn(shelf, 'place').mockImplementationOnce(async (...how) => {
      const wrong = intake.bind(id, content(1).md5 as Md5)
      await expect(wrong).rejects.toMatchObject({ code: 'bad-request' })
      expect(await intake.bind(id, file.md5 as Md5)).toMatchObject({ isBound: true })
      return place(...how)
    })
    expect(await intake.receive(id, 0, source(file.bytes))).toMatchObject({ state: 'finished' })
  })

  it('does not give the claim of an upload of unknown size to one that declares its MD5 later', async () => {
    const { intake } = await openHouse()
    const file = content(1000)
    await intake.create(claimOf(file, { size: undefined }), FORM)
    const { id } = await intake.create(claimOf(file, { md5: undefined }))
    expect(await intake.bind(id, file.md5 as Md5)).toMatchObject({
      isBound: false,
      standing: { state: 'uploading', isOwn: false },
    })
  })

  it('does not send anybody to an upload of unknown size, which nobody is given back', async () => {
    const { intake } = await openHouse()
    const file = content(1000)
    const mine = { client: 'mine', size: undefined }
    const first = await intake.create(claimOf(file, mine))
    await intake.receive(first.id, 0, source(file.bytes.subarray(0, 500)))
    const { id } = await intake.create(claimOf(file, { ...mine, md5: undefined }))
    expect(await intake.bind(id, file.md5 as Md5, 'mine')).toMatchObject({ isBound: true })
  })

  it('leaves the claim to its owner where declaring an MD5 fails', async () => {
    const { intake } = await openHouse()
    const file = content(1000)
    const mine = { client: 'mine' }
    await intake.create(claimOf(file, mine))
    const { id } = await intake.create(claimOf(file, { ...mine, md5: undefined }))
    await intake.receive(id, 0, source(file.bytes.subarray(0, 500)))
    vi.spyOn(intake.stores.ledger, 'write').mockRejectedValueOnce(new FerryError('disk-full', 'no room'))
    await expect(intake.bind(id, file.md5 as Md5, 'mine')).rejects.toThrow(FerryError)
    expect(intake.standing(file.md5 as Md5)).toMatchObject({ state: 'uploading', offset: 0 })
  })

  it('learns that an upload is whole although the disk has no room for more', async () => {
    const { intake } = await openHouse({ minFree: 1 })
    const file = content(1000)
    const { id } = await intake.create(claimOf(file, { size: undefined }))
    await intake.receive(id, 0, source(file.bytes))
    vi.spyOn(intake.stores.inbox, 'free').mockResolvedValue(0)
    await pause(300) // for so long an older figure would do
    await expect(intake.declareSize(id, 1001)).rejects.toMatchObject({ code: 'disk-full' })
    await intake.declareSize(id, 1000)
    expect(await intake.receive(id, 1000, source(Buffer.alloc(0)))).toMatchObject({ state: 'finished' })
  })

  it('sets a file of another size aside also where the next uploader calls it otherwise', async () => {
    const { intake, files } = await openHouse()
    const file = content(1000)
    const claim = claimOf(file, { filename: 'a.mkv' })
    const first = await intake.create(claim)
    await intake.receive(first.id, 0, source(file.bytes))
    await writeFile(join(files, `${file.md5}.mkv`), 'short')
    const { id } = await intake.create(claimOf(file))
    await intake.receive(id, 0, source(file.bytes))
    expect((await readdir(files)).filter((name) => name.startsWith(file.md5))).toEqual([`${file.md5}.mkv`])
    expect(await readFile(join(files, `${file.md5}.mkv`))).toEqual(file.bytes)
  })

  it('skips bytes that it has: a client may send from further back', async () => {
    const { intake } = await openHouse()
    const file = content(100_000)
    const { id } = await intake.create(claimOf(file))
    await intake.receive(id, 0, source(file.bytes.subarray(0, 60_000)))
    expect(await intake.receive(id, 10_000, source(file.bytes.subarray(10_000, 50_000)))).toMatchObject({
      offset: 60_000,
    })
    expect(await intake.receive(id, 0, source(file.bytes))).toMatchObject({ state: 'finished' })
  })

  it('refuses a gap', async () => {
    const { intake } = await openHouse()
    const { id } = await intake.create(claimOf(content(100)))
    await expect(intake.receive(id, 50, source(Buffer.alloc(10)))).rejects.toMatchObject({
      code: 'offset-conflict',
    })
  })

  it('keeps what came before the source broke off', async () => {
    const { intake } = await openHouse()
    const file = content(100_000)
    const { id } = await intake.create(claimOf(file))
    const broken = Readable.from(
      (async function* () {
        yield file.bytes.subarray(0, 40_000)
        await pause(50)
        throw new Error('line down')
      })(),
      { objectMode: false },
    )
    await expect(intake.receive(id, 0, broken)).rejects.toThrow('line down')
    expect(intake.look(id)).toMatchObject({ state: 'open', offset: 40_000 })
  })

  it('finishes although the line broke after the last byte', async () => {
    const { intake } = await openHouse()
    const file = content(40_000)
    const { id } = await intake.create(claimOf(file))
    const broken = Readable.from(
      (async function* () {
        yield file.bytes
        await pause(50)
        throw new Error('line down')
      })(),
      { objectMode: false },
    )
    expect(await intake.receive(id, 0, broken)).toMatchObject({ state: 'finished' })
  })

  it('ends an upload whose bytes are not what was claimed, and lets the claim go', async () => {
    const { intake, tmp } = await openHouse()
    const file = content(1000)
    const { id } = await intake.create(claimOf(file))
    await expect(intake.receive(id, 0, source(content(1000).bytes))).rejects.toMatchObject({
      code: 'md5-mismatch',
    })
    expect(() => intake.look(id)).toThrow(/no such upload/)
    expect(intake.standing(file.md5 as Md5)).toEqual({ state: 'notfound' })
    expect(await readdir(tmp)).toEqual([])
  })

  it('tells the lease that is left, and no longer calls a silent upload live when it is over', async () => {
    const { intake } = await openHouse({ leaseSeconds: 1 })
    const file = content(1000)
    await intake.create(claimOf(file))
    expect(intake.standing(file.md5 as Md5)).toMatchObject({ state: 'uploading', retryAfter: 1 })
    await pause(1050)
    expect(intake.standing(file.md5 as Md5)).toEqual({ state: 'notfound' })
  })

  it('hands a stalled upload over under a new id, also across a restart', async () => {
    const house = await openHouse({ leaseSeconds: 1 })
    const file = content(1000)
    const { id } = await house.intake.create(claimOf(file))
    await house.intake.receive(id, 0, source(file.bytes.subarray(0, 300)))
    await pause(1050)
    const taken = await house.intake.create(claimOf(file))
    expect(taken).toMatchObject({ state: 'open', offset: 300 })
    const { intake } = await house.reopen()
    expect(() => intake.look(id)).toThrow(/no such upload/)
    expect(intake.look(taken.id)).toMatchObject({ offset: 300 })
    expect(await intake.receive(taken.id, 300, source(file.bytes.subarray(300)))).toMatchObject({
      state: 'finished',
    })
  })

  it('gives every open upload one fresh lease after a restart', async () => {
    const house = await openHouse({ leaseSeconds: 1 })
    const file = content(1000)
    await house.intake.create(claimOf(file))
    await pause(1050)
    const { intake } = await house.reopen()
    expect(intake.standing(file.md5 as Md5)).toMatchObject({ state: 'uploading' })
  })

  it('never gives a form to anybody else: the next sender begins anew', async () => {
    const { intake } = await openHouse({ leaseSeconds: 1 })
    const file = content(1000)
    const form = await intake.create(claimOf(file, { size: undefined }), FORM)
    await pause(1050)
    const other = await intake.create(claimOf(file))
    expect(other).toMatchObject({ state: 'open', offset: 0 })
    await intake.receive(form.id, 0, source(file.bytes))
    expect(await intake.complete(form.id)).toMatchObject({ state: 'finished' })
    expect(await intake.receive(other.id, 0, source(file.bytes))).toMatchObject({ state: 'finished' })
  })

  it('finishes at the start what was complete and linked when the process died', async () => {
    const house = await openHouse()
    const file = content(5000)
    const { id } = await house.intake.create(claimOf(file))
    await house.intake.receive(id, 0, source(file.bytes.subarray(0, 4000)))
    // As after a kill between the link and the ledger: all bytes are there, on the shelf, too.
    await writeFile(join(house.tmp, `tmp_${id}`), file.bytes)
    await link(join(house.tmp, `tmp_${id}`), join(house.files, `${file.md5}.mp4`))
    const { intake, files, tmp } = await house.reopen()
    expect(intake.look(id)).toMatchObject({ state: 'finished' })
    await intake.settled()
    expect(await readdir(tmp)).toEqual([])
    expect(await readFile(join(files, `${file.md5}.mp4`))).toEqual(file.bytes)
  })

  it('never tells offset = length before the content is on the shelf', async () => {
    const house = await openHouse()
    const file = content(5000)
    const { id } = await house.intake.create(claimOf(file))
    await house.intake.receive(id, 0, source(file.bytes.subarray(0, 4000)))
    house.intake.stores.shelf.place = () => Promise.reject(Object.assign(new Error('no'), { code: 'EIO' }))
    const finish = house.intake.receive(id, 4000, source(file.bytes.subarray(4000)))
    await expect(finish).rejects.toThrow('no')
    expect(house.intake.look(id)).toMatchObject({ state: 'open', offset: 4999 })
    // The whole is on disk all the same: a restart finishes it without the client.
    const { intake } = await house.reopen()
    expect(intake.look(id)).toMatchObject({ state: 'finished' })
  })

  it('says hash-pending while a lost hash state is read up, and finishes afterwards', async () => {
    const house = await openHouse()
    const size = 640 * 1024 * 1024
    const zeros = Buffer.alloc(1024 * 1024)
    const all = Readable.from(
      (function* () {
        for (let sent = 0; sent < size - 1; sent += zeros.length)
          yield zeros.subarray(0, Math.min(zeros.length, size - 1 - sent))
      })(),
      { objectMode: false },
    )
    const { id } = await house.intake.create({ md5: undefined, filename: 'z', size, client: undefined })
    await house.intake.receive(id, 0, all)
    const db = new Database(house.intake.stores.ledger.file)
    db.exec('UPDATE uploads SET hash_state = NULL, hashed_to = 0')
    db.close()
    const { intake } = await house.reopen()
    const last = () => intake.receive(id, size - 1, source(Buffer.alloc(1)))
    await expect(last()).rejects.toMatchObject({ code: 'hash-pending' })
    expect(intake.look(id)).toMatchObject({ state: 'open', offset: size - 1 })
    await intake.stores.follower.within(id, 0)
    expect(await last()).toMatchObject({ state: 'finished' })
  })

  it('leaves no part behind when the ledger refuses an upload before its part is made', async () => {
    const { intake, tmp } = await openHouse()
    const { inbox, ledger } = intake.stores
    const create = inbox.create.bind(inbox)
    vi.spyOn(inbox, 'create').mockImplementation((part) => pause(50).then(() => create(part)))
    vi.spyOn(ledger, 'write').mockRejectedValueOnce(new FerryError('disk-full', 'no room for the row'))
    await expect(intake.create(claimOf(content(1000)))).rejects.toMatchObject({ code: 'disk-full' })
    await pause(100)
    expect(await readdir(tmp)).toEqual([])
  })

  it('forgets idle uploads, and answers 410 for them', async () => {
    const { intake, tmp } = await openHouse({ ttlHours: 2 / 3600 })
    const { id } = await intake.create(claimOf(content(10)))
    expect(await intake.expire()).toBe(0)
    await pause(2100)
    expect(await intake.expire()).toBe(1)
    expect(() => intake.look(id)).toThrow(expect.objectContaining({ code: 'gone' }))
    await intake.settled()
    expect(await readdir(tmp)).toEqual([])
  })
})

describe('Intake, whose clock is set', () => {
  const YEAR = 365 * 86_400_000
  const jump = (milliseconds: number) => {
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + milliseconds })
    onTestFinished(() => void vi.useRealTimers())
  }

  it('keeps an upload whose last byte came a moment ago, by years ahead or back, and tells so', async () => {
    const { intake } = await openHouse()
    const { id } = await intake.create(claimOf(content(1000)))
    for (const years of [3, -60, 60]) {
      jump(years * YEAR)
      expect(await intake.expire()).toBe(0)
      const { touchedAt } = intake.look(id) as { touchedAt: number }
      expect(Math.abs(Date.now() - touchedAt)).toBeLessThan(60_000)
    }
  })

  it('gives its sender a lease to come back where the clock was set over a start', async () => {
    let house = await openHouse()
    const { id } = await house.intake.create(claimOf(content(1000)))
    for (const years of [3, -60, 60]) {
      jump(years * YEAR)
      house = await house.reopen()
      expect(await house.intake.expire()).toBe(0)
      expect(house.intake.look(id).state).toBe('open')
    }
  })

  it('does not keep for ever what came while the clock was ahead, however often it is started', async () => {
    jump(60 * YEAR)
    let house = await openHouse({ leaseSeconds: 0.1, ttlHours: 0.6 / 3600 })
    const { id } = await house.intake.create(claimOf(content(1000)))
    jump(-60 * YEAR)
    for (let starts = 0; starts < 3; starts++) {
      await house.intake.expire()
      await pause(300)
      vi.setSystemTime(Date.now() + 300)
      house = await house.reopen()
    }
    await pause(200)
    await house.intake.expire()
    expect(() => house.intake.look(id)).toThrow('over')
  })
})

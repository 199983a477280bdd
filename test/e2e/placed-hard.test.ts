import { execFile } from 'node:child_process'
import { rename, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { PassThrough, Readable } from 'node:stream'
import { setTimeout as pause } from 'node:timers/promises'
import { promisify } from 'node:util'
import Database from 'libsql'
import { afterEach, describe, expect, it } from 'vitest'
import { MAIN, TestServer } from '../support/server.js'
import { inject } from '../support/strace.js'
import { content, tus } from '../support/tus.js'

const MIB = 1024 * 1024
const PATIENT = { timeout: 10_000 }

describe('pieces whose senders mean no good, or have no luck', () => {
  let server: TestServer
  afterEach(() => server.stop())

  async function start(env: Record<string, string> = {}): Promise<void> {
    server = await TestServer.start({ env: { MIN_RATE: '0', ...env } })
  }

  async function begin(size: number, claim: Record<string, string> = {}): Promise<string> {
    const created = await tus.create(server.url, size, { filename: 'a.bin', ...claim })
    expect(created.status).toBe(201)
    return tus.location(server.url, created)
  }
  const idOf = (url: string) => url.split('/').at(-1)!
  const place = (whole: string, at: number, size: number, body?: Buffer) =>
    tus.place(server.url, whole, at, size, body)
  async function placed(whole: string, at: number, size: number, body?: Buffer): Promise<string> {
    const response = await place(whole, at, size, body)
    expect(response.status).toBe(201)
    return tus.location(server.url, response)
  }
  async function standing(url: string): Promise<[string | null, string | null]> {
    const { headers } = await tus.head(url)
    return [headers.get('upload-offset'), headers.get('ferry-ahead')]
  }
  async function expectStored({ md5, bytes }: { md5: string; bytes: Buffer }): Promise<void> {
    const got = await fetch(`${server.url}/files/${md5}.bin`)
    expect(got.status).toBe(200)
    expect(Buffer.from(await got.arrayBuffer()).equals(bytes)).toBe(true)
    await expect.poll(() => server.inbox()).toEqual([])
  }
  function rows(): { state: string; whole: string | null }[] {
    const db = new Database(join(server.files, '.ledger', 'ledger.db'))
    try {
      return db.prepare('SELECT state, whole FROM uploads').all() as never
    } finally {
      db.close()
    }
  }

  it('never write over what another has brought, of however many that come at once', async () => {
    await start()
    const file = content(9 * MIB)
    const whole = await begin(file.bytes.length, { md5: file.md5 })
    const first = await placed(whole, 4 * MIB, 4 * MIB)
    const body = new PassThrough()
    const going = tus.patch(first, 0, Readable.toWeb(body) as ReadableStream).catch(() => undefined)
    body.write(file.bytes.subarray(4 * MIB, 7 * MIB))
    await pause(300)
    // One of them asks the first to leave; the others come while it does.
    const newer = await Promise.all(Array.from({ length: 4 }, () => place(whole, 4 * MIB, 3 * MIB)))
    await going
    await placed(whole, 0, 4 * MIB, file.bytes.subarray(0, 4 * MIB))
    await expect.poll(() => standing(whole), PATIENT).toEqual([String(7 * MIB), 'none'])
    await pause(300) // for what is there to be hashed
    for (const response of newer.filter(({ status }) => status === 201))
      await tus.patch(tus.location(server.url, response), 0, Buffer.alloc(3 * MIB))
    await tus.patch(whole, 7 * MIB, file.bytes.subarray(7 * MIB))
    await expectStored(file)
  })

  it('claim no md5, so that nobody is given one for a file', async () => {
    await start({ LEASE_SECONDS: '1' })
    const file = content(1000)
    const other = await begin(5000)
    const piece = await placed(other, 0, 1000)
    const told = await fetch(`${server.url}/check?md5=${file.md5}&upload=${idOf(piece)}`, { method: 'POST' })
    expect(told.status).toBe(400)
    await tus.terminate(other)
    await pause(1500)
    const whole = await begin(file.bytes.length, { md5: file.md5 })
    expect((await tus.patch(whole, 0, file.bytes)).status).toBe(204)
    await expectStored(file)
  })

  it('leave a bounded number of rows, however often they are begun', async () => {
    await start()
    const whole = await begin(100_000)
    for (let n = 0; n < 60; n++) await placed(whole, 0, 1000)
    expect(rows().filter((row) => row.whole !== null).length).toBeLessThan(40)
    await placed(whole, 0, 100_000, content(100_000).bytes)
    expect(rows().filter((row) => row.whole !== null)).toEqual([])
  })

  it('are counted among the uploads that an address may begin in a minute', async () => {
    await start({ MAX_CREATIONS_PER_MINUTE: '5' })
    const whole = await begin(100_000)
    for (let n = 0; n < 4; n++) await placed(whole, n * 1000, 1000)
    expect((await place(whole, 50_000, 1000)).status).toBe(429)
  })

  it('are told in few words, and are refused where they scatter, but not at the front', async () => {
    await start()
    const { bytes } = content(1_000_000)
    const whole = await begin(bytes.length)
    for (let at = 500_000; at < 503_000; at += 100) await placed(whole, at, 100, bytes.subarray(at, at + 100))
    expect(await standing(whole)).toEqual(['0', '500000-503000'])
    const answers: number[] = []
    for (let at = 600_000; at < 610_000; at += 100)
      answers.push((await place(whole, at, 10, bytes.subarray(at, at + 10))).status)
    expect(new Set(answers)).toEqual(new Set([201, 429]))
    expect((await standing(whole))[1]!.length).toBeLessThan(4096)
    const last = await place(whole, 0, 500_000, bytes.subarray(0, 500_000))
    expect([last.status, last.headers.get('upload-offset')]).toEqual([201, '500000'])
    expect((await standing(whole))[0]).toBe('503000')
  })

  it('do not keep the next bytes out, however many others are open', async () => {
    await start()
    const file = content(100_000)
    const whole = await begin(file.bytes.length, { md5: file.md5 })
    for (let n = 0; n < 16; n++) await placed(whole, 50_000 + n * 1000, 1000)
    expect((await place(whole, 70_000, 1000)).status).toBe(429)
    for (let at = 0; at < 100_000; at += 10_000)
      await placed(whole, at, 10_000, file.bytes.subarray(at, at + 10_000))
    await expectStored(file)
  })

  it('may be as long as the file, where they begin at its front', async () => {
    await start()
    const whole = await begin(600 * MIB)
    expect((await place(whole, 1, 600 * MIB - 1)).status).toBe(429)
    await placed(whole, 0, 600 * MIB)
  })

  it('do not age by themselves: what they have brought stays as long as their upload', async () => {
    await start({ TMP_TTL_HOURS: '0.001', LEASE_SECONDS: '1' })
    const file = content(10_000)
    const whole = await begin(file.bytes.length, { md5: file.md5 })
    await placed(whole, 5000, 5000, file.bytes.subarray(5000))
    for (let n = 0; n < 8; n++) {
      await tus.patch(whole, n * 10, file.bytes.subarray(n * 10, n * 10 + 10))
      await pause(1000)
    }
    expect(await standing(whole)).toEqual(['80', '5000-10000'])
    await tus.patch(whole, 80, file.bytes.subarray(80))
    await expectStored(file)
  })

  it('do not give way for other uploads, nor does one that they have filled', async () => {
    await start({ MAX_OPEN_UPLOADS: '2', LEASE_SECONDS: '1' })
    const { bytes } = content(1_000_000)
    const whole = await begin(bytes.length)
    await placed(whole, 500_000, 100_000, bytes.subarray(500_000, 600_000))
    await placed(whole, 800_000, 1000, bytes.subarray(800_000, 801_000))
    const other = await begin(1000)
    await pause(2500)
    // The other one goes: its sender is gone, and nothing has come of it.
    await begin(1001)
    expect((await tus.create(server.url, 1002)).status).toBe(429)
    expect((await tus.head(other)).status).toBe(410)
    expect(await standing(whole)).toEqual(['0', '500000-600000,800000-801000'])
  })

  it('are told by verify where their bytes are gone', async () => {
    await start()
    const whole = await begin(100_000)
    await placed(whole, 50_000, 10_000, content(10_000).bytes)
    const [part] = await server.inbox()
    await truncate(join(server.tmp, part!), 55_000)
    const { stdout } = await promisify(execFile)(process.execPath, [MAIN, 'verify'], {
      cwd: server.dir,
      env: { ...process.env, FERRY_LANG: 'en' },
    }).catch((error: { stdout: string; stderr: string }) => ({ stdout: error.stdout + error.stderr }))
    expect(stdout).toMatch(new RegExp(idOf(whole).slice(0, 8)))
  })

  it('bring no other file to the shelf than was read, where somebody puts another part in its place', async () => {
    await start()
    const file = content(3 * MIB)
    const whole = await begin(file.bytes.length, { md5: file.md5 })
    await tus.patch(whole, 0, file.bytes.subarray(0, 2 * MIB))
    await pause(2500) // for nobody to have it open
    const part = join(server.tmp, (await server.inbox())[0]!)
    await rename(part, join(server.dir, 'aside'))
    await writeFile(part, Buffer.concat([Buffer.alloc(100), file.bytes.subarray(100, 2 * MIB)]))
    const rest = file.bytes.subarray(2 * MIB)
    for (let n = 0; n < 2; n++) await (await place(whole, 2 * MIB, MIB, rest)).arrayBuffer()
    await tus.patch(whole, 2 * MIB, rest)
    expect(await server.shelf()).toEqual([])
    expect((await tus.head(whole)).status).toBe(404)
  })

  it('hold nobody up who gets the upload, or sends more, while the last byte is here already', async () => {
    await start()
    for (const next of ['hand-over', 'place'] as const) {
      const file = content(10_000)
      const whole = await begin(file.bytes.length, { md5: file.md5, client: 'me' })
      const piece = await placed(whole, 0, 10_000)
      // All has come, but for the end of the request.
      const body = new PassThrough()
      const going = tus.patch(piece, 0, Readable.toWeb(body) as ReadableStream)
      body.write(file.bytes)
      await pause(1500)
      const signal = AbortSignal.timeout(10_000)
      if (next === 'place') expect((await place(whole, 5000, 10)).status).toBe(404)
      else {
        const created = await tus.create(server.url, 10_000, { md5: file.md5, client: 'me' }, { signal })
        expect(created.headers.get('content-location')).toBe(`${server.url}/files/${file.md5}.bin`)
      }
      body.end()
      expect((await going).status).toBe(204)
      await expectStored(file)
    }
  })

  it('come into no upload that has changed hands meanwhile', async () => {
    await start()
    const file = content(2 * MIB)
    const whole = await begin(file.bytes.length, { md5: file.md5, client: 'me' })
    const body = new PassThrough()
    const going = tus.patch(whole, 0, Readable.toWeb(body) as ReadableStream)
    body.write(file.bytes.subarray(0, MIB))
    await pause(300)
    // Whoever is asked to leave takes a while.
    const detach = await inject(server.pid, 'fdatasync:delay_enter=700000')
    const late = place(whole, MIB, MIB)
    await pause(100)
    const created = await tus.create(server.url, file.bytes.length, { md5: file.md5, client: 'me' })
    await detach()
    expect([(await going).status, created.status, (await late).status]).toEqual([204, 201, 404])
  })
})

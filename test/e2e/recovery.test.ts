import Database from 'libsql'
import { createHash } from 'node:crypto'
import {
  appendFile,
  mkdir,
  open as openFile,
  readFile,
  rename,
  rm,
  stat,
  truncate,
  writeFile,
} from 'node:fs/promises'
import { basename, join } from 'node:path'
import { ReadableStream } from 'node:stream/web'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Line } from '../support/proxy.js'
import { pause, TestServer } from '../support/server.js'
import { inject } from '../support/strace.js'
import { missing } from '../support/tools.js'
import { content, md5, offsetOf, stockUpload, tus } from '../support/tus.js'

const MIB = 1024 * 1024

describe('a server that is killed and started again', () => {
  let server: TestServer
  beforeEach(async () => {
    server = await TestServer.start({ env: { UV_THREADPOOL_SIZE: '1' } })
  })
  afterEach(() => server.stop())

  const check = async (hash: string) => (await fetch(`${server.url}/check?md5=${hash}`)).json()
  const open = async (file: { bytes: Buffer; md5: string }) =>
    tus.location(
      server.url,
      await tus.create(server.url, file.bytes.length, { md5: file.md5, filename: 'big.bin' }),
    )
  const expectStoredOnce = async (file: { md5: string }) => {
    expect(await check(file.md5)).toMatchObject({ status: 'exists' })
    expect(await server.shelf()).toEqual([`${file.md5}.bin`])
    expect(md5(await readFile(join(server.files, `${file.md5}.bin`)))).toBe(file.md5)
    await expect.poll(() => server.inbox(), { timeout: 5000 }).toEqual([])
  }

  it('has every byte that it acknowledged', async () => {
    const file = content(8 * MIB)
    const url = await open(file)
    let acknowledged = 0
    for (let round = 0; round < 6; round++) {
      const answer = await tus.patch(url, acknowledged, file.bytes.subarray(acknowledged, acknowledged + MIB))
      acknowledged = Number(answer.headers.get('upload-offset'))
      // Bytes that are on their way when the kill comes may be lost, those acknowledged may not.
      const cut = tus.patch(url, acknowledged, file.bytes.subarray(acknowledged, acknowledged + 100_000))
      cut.catch(() => undefined)
      await server.kill()
      await cut.catch(() => undefined)
      await server.start()
      const offset = await offsetOf(url)
      expect(offset).toBeGreaterThanOrEqual(acknowledged)
      acknowledged = offset
    }
    expect((await tus.patch(url, acknowledged, file.bytes.subarray(acknowledged))).status).toBe(204)
    await expectStoredOnce(file)
  })

  it('starts beside names in the inbox that are no parts of its own, and lets them be', async () => {
    const file = content(1000)
    const url = await open(file)
    const part = join(server.tmp, `tmp_${url.split('/').at(-1)!}`)
    await server.kill()
    await rm(part)
    const planted = [part, ...['b'.repeat(32), 'x'].map((name) => join(server.tmp, `tmp_${name}`))]
    for (const folder of planted) await mkdir(folder)
    await writeFile(join(server.tmp, 'tmp_notes.txt'), 'mine')
    await writeFile(join(server.tmp, `tmp_${'c'.repeat(32)}`), 'nobody’s')
    await server.start()
    expect(await server.inbox()).toEqual(
      [...planted, 'tmp_notes.txt'].map((path) => basename(path)).toSorted(),
    )
    expect((await tus.head(url)).status).toBe(404)
    await stockUpload(server.url, file.bytes, { metadata: { md5: file.md5 } })
    expect(await check(file.md5)).toMatchObject({ status: 'exists' })
  })

  it('finishes an upload that a stock client goes on with through random kills', async () => {
    const file = content(48 * MIB)
    const line = await Line.to(server.port)
    line.upRate = 24 * MIB
    const stop = new AbortController()
    const killing = (async () => {
      for (let kills = 0; kills < 8 && !stop.signal.aborted; kills++) {
        await pause(150 + Math.random() * 400)
        await server.kill()
        await server.start()
      }
    })()
    const retryDelays = Array.from({ length: 300 }, () => 200)
    await stockUpload(`http://${line.address}`, file.bytes, {
      metadata: { md5: file.md5, filename: 'big.bin' },
      retryDelays,
    })
    stop.abort()
    await killing
    await line.close()
    await expectStoredOnce(file)
  })

  describe.skipIf(missing('strace'))(`between any two steps of the finish${missing('strace')}`, () => {
    // Each system call of the last PATCH, from its first byte to the removal of the part, is where the kill strikes.
    it.each(['openat', 'pwrite64', 'fsync', 'link', 'unlink', 'close'])(
      'ends as finished or resumable, wherever in %s it died, and never with a wrong file',
      async (call) => {
        const file = content(300_000)
        let kills = 0
        for (let strike = 1, died = true; died && strike <= 12; strike++) {
          await rm(join(server.files, `${file.md5}.bin`), { force: true })
          await server.kill()
          await server.start()
          const url = await open(file)
          await tus.patch(url, 0, file.bytes.subarray(0, 200_000))
          const detach = await inject(server.pid, `${call}:signal=SIGKILL:when=${strike}`)
          const answer = await tus.patch(url, 200_000, file.bytes.subarray(200_000)).catch(() => undefined)
          died = answer === undefined
          // The part is removed after the answer.
          if (!died && call === 'unlink') await server.exited()
          await detach()
          if (!died && call !== 'unlink') {
            await expectStoredOnce(file)
            break
          }
          kills++
          await server.start()
          const head = await tus.head(url)
          expect(head.status).toBe(200)
          const offset = Number(head.headers.get('upload-offset'))
          expect(offset).toBeGreaterThanOrEqual(200_000)
          if (offset === file.bytes.length) expect(await check(file.md5)).toMatchObject({ status: 'exists' })
          else expect((await tus.patch(url, offset, file.bytes.subarray(offset))).status).toBe(204)
          await expectStoredOnce(file)
          if (call === 'unlink') break
        }
        expect(kills).toBeGreaterThan(0)
      },
    )
  })

  it('is believed although its last answer was lost on the wire', async () => {
    const file = content(2 * MIB)
    const line = await Line.to(server.port)
    let lost = 0
    line.losesAnswer = (bytes) => bytes.includes('HTTP/1.1 204') && lost++ === 0
    const { location } = await stockUpload(`http://${line.address}`, file.bytes, {
      metadata: { md5: file.md5, filename: 'big.bin' },
    })
    await line.close()
    expect(lost).toBeGreaterThan(0)
    expect(location).toBe(`${server.url}/files/${file.md5}.bin`)
    await expectStoredOnce(file)
  })

  it('keeps what has arrived when it is asked to stop, and leaves within 5 seconds', async () => {
    const file = content(20 * MIB)
    const url = await open(file)
    const line = await Line.to(server.port)
    line.upRate = 4 * MIB
    const sending = tus.patch(url.replace(String(server.port), line.address.split(':')[1]!), 0, file.bytes)
    sending.catch(() => undefined)
    await pause(1000)
    const begun = performance.now()
    expect(await server.terminate()).toBe(0)
    expect(performance.now() - begun).toBeLessThan(5000)
    await sending.catch(() => undefined)
    await line.close()
    await server.start()
    expect(await offsetOf(url)).toBeGreaterThan(MIB)
    await tus.terminate(url)
  })

  it('goes on from the bytes that are there when somebody has cut the part short', async () => {
    const file = content(MIB)
    const url = await open(file)
    await tus.patch(url, 0, file.bytes.subarray(0, 900_000))
    await server.kill()
    await truncate(join(server.tmp, `tmp_${url.split('/').at(-1)!}`), 500_000)
    await server.start()
    expect(await offsetOf(url)).toBe(500_000)
    await tus.patch(url, 500_000, file.bytes.subarray(500_000))
    await expectStoredOnce(file)
  })

  it('goes on from the bytes that are there when somebody cuts the part short while it runs', async () => {
    const file = content(MIB)
    const url = await open(file)
    await tus.patch(url, 0, file.bytes.subarray(0, 900_000))
    await truncate(join(server.tmp, `tmp_${url.split('/').at(-1)!}`), 500_000)
    // Its former bytes have been hashed: without a look, the file would be named by what it has no more.
    expect((await tus.patch(url, 900_000, file.bytes.subarray(900_000))).status).toBe(409)
    expect(await offsetOf(url)).toBe(500_000)
    await tus.patch(url, 500_000, file.bytes.subarray(500_000))
    await expectStoredOnce(file)
  })

  it('stores no more than was sent when somebody lets the part grow', async () => {
    const file = content(MIB)
    const url = await open(file)
    await tus.patch(url, 0, file.bytes.subarray(0, 900_000))
    await appendFile(join(server.tmp, `tmp_${url.split('/').at(-1)!}`), Buffer.alloc(MIB))
    expect((await tus.patch(url, 900_000, file.bytes.subarray(900_000))).status).toBe(204)
    await expectStoredOnce(file)
  })

  it('names a file by what is in the part, when somebody puts another in its place', async () => {
    const file = content(MIB)
    const url = await open(file)
    await tus.patch(url, 0, file.bytes.subarray(0, 900_000))
    await writeFile(join(server.dir, 'other'), Buffer.alloc(900_000))
    await rename(join(server.dir, 'other'), join(server.tmp, `tmp_${url.split('/').at(-1)!}`))
    expect((await tus.patch(url, 900_000, file.bytes.subarray(900_000))).status).toBe(460)
    expect(await server.shelf()).toEqual([])
    expect(await check(file.md5)).toEqual({ status: 'notfound' })
  })

  it('throws away what lies beyond the last checkpoint, since a power cut may have left garbage there', async () => {
    const file = content(MIB)
    const url = await open(file)
    await tus.patch(url, 0, file.bytes.subarray(0, 500_000))
    await server.kill()
    const part = join(server.tmp, `tmp_${url.split('/').at(-1)!}`)
    await writeFile(part, Buffer.concat([file.bytes.subarray(0, 500_000), Buffer.alloc(300_000, 9)]))
    await server.start()
    expect(await offsetOf(url)).toBe(500_000)
    expect((await stat(part)).size).toBe(500_000)
    await tus.patch(url, 500_000, file.bytes.subarray(500_000))
    await expectStoredOnce(file)
  })

  it('rebuilds a lost ledger from the shelf; uploads that were open start over and their parts are swept', async () => {
    const file = content(100_000)
    await stockUpload(server.url, file.bytes, { metadata: { filename: 'big.bin' } })
    const half = content(100_000)
    const url = await open(half)
    await tus.patch(url, 0, half.bytes.subarray(0, 50_000))
    await server.kill()
    await rm(join(server.files, '.ledger'), { recursive: true })
    await server.start()
    expect((await tus.head(url)).status).toBe(404)
    await expectStoredOnce(file)
  })

  it.each([
    ['garbage', (file: string) => writeFile(file, 'x'.repeat(40_000))],
    ['half of itself', (file: string) => truncate(file, 10_000)],
    ['of a format that SQLite does not know', (file: string) => overwrite(file, 47, 200)],
    [
      'without its tables',
      (file: string) => {
        const db = new Database(file)
        db.exec('DROP TABLE uploads')
        db.close()
        return Promise.resolve()
      },
    ],
  ])('moves a ledger that is %s aside and serves what is on the shelf', async (_name, damage) => {
    const file = content(100_000)
    await stockUpload(server.url, file.bytes, { metadata: { filename: 'big.bin' } })
    expect(await server.terminate()).toBe(0)
    const ledger = join(server.files, '.ledger', 'ledger.db')
    const db = new Database(ledger)
    db.exec('PRAGMA wal_checkpoint(TRUNCATE)')
    db.close()
    await damage(ledger)
    await server.start()
    await expect.poll(() => server.output).toContain('The index was damaged')
    await expectStoredOnce(file)
  })

  it('takes in files that were copied onto the shelf, whoever made them, and forgets those that are gone', async () => {
    const old = content(1000)
    const bare = content(1000)
    const gone = content(1000)
    await stockUpload(server.url, gone.bytes)
    await server.kill()
    await rm(join(server.files, `${gone.md5}.bin`))
    await writeFile(join(server.files, `${old.md5}.MP4`), old.bytes)
    await writeFile(join(server.files, bare.md5), bare.bytes)
    await writeFile(join(server.files, 'notes.txt'), 'no content')
    await mkdir(join(server.files, `${'a'.repeat(32)}.dir`), { recursive: true })
    await server.start()
    await expect.poll(() => server.output).toContain('Shelf read: 2 file(s) known')
    await expect.poll(() => server.output).toContain('2 name(s) in the files folder are not')
    expect(await check(old.md5)).toMatchObject({
      status: 'exists',
      url: `${server.url}/files/${old.md5}.MP4`,
    })
    expect(await check(bare.md5)).toMatchObject({ status: 'exists', url: `${server.url}/files/${bare.md5}` })
    expect(await check(gone.md5)).toEqual({ status: 'notfound' })
    expect((await fetch(`${server.url}/files/${old.md5}.MP4`)).headers.get('content-type')).toBe('video/mp4')
    expect((await fetch(`${server.url}/files/${bare.md5}`)).status).toBe(200)
    expect((await fetch(`${server.url}/files/notes.txt`)).status).toBe(404)
  })

  it('sweeps parts that belong to nobody', async () => {
    await server.kill()
    await writeFile(join(server.tmp, `tmp_${'b'.repeat(32)}`), 'left over')
    await server.start()
    await expect.poll(() => server.inbox(), { timeout: 5000 }).toEqual([])
  })

  it('reads a large part again in the background when its hash state is unusable, and finishes it when that is done', async () => {
    const size = 640 * MIB
    const zeros = Buffer.alloc(MIB)
    const hash = createHash('md5')
    for (let at = 0; at < size; at += MIB) hash.update(zeros)
    const file = { md5: hash.digest('hex') }
    const url = tus.location(server.url, await tus.create(server.url, size, { ...file, filename: 'big.bin' }))
    const body = ReadableStream.from(Array.from({ length: 639 }, () => zeros))
    expect((await tus.patch(url, 0, body)).status).toBe(204)
    await server.kill()
    const db = new Database(join(server.files, '.ledger', 'ledger.db'))
    db.exec(`UPDATE uploads SET hash_state = x'00010203'`)
    db.close()
    await server.start()
    const early = await tus.patch(url, size - MIB, zeros)
    expect(early.status).toBe(503)
    expect(Number(early.headers.get('retry-after'))).toBeGreaterThan(0)
    expect(await offsetOf(url)).toBe(size - 1)
    const lag = async () => {
      const metrics = await (await fetch(`${server.url}/metrics`)).text()
      return Number(/^ferry_follower_lag_bytes (\d+)$/m.exec(metrics)![1])
    }
    await expect.poll(lag, { timeout: 60_000, interval: 200 }).toBe(0)
    expect((await tus.patch(url, size - 1, zeros.subarray(0, 1))).status).toBe(204)
    await expectStoredOnce(file)
  }, 180_000)

  it('hashes a part again from its start when the saved state is lost, and then finishes it', async () => {
    const file = content(2 * MIB)
    const url = await open(file)
    await tus.patch(url, 0, file.bytes.subarray(0, MIB))
    await server.kill()
    const db = new Database(join(server.files, '.ledger', 'ledger.db'))
    db.exec('UPDATE uploads SET hash_state = NULL')
    db.close()
    await server.start()
    expect((await tus.patch(url, MIB, file.bytes.subarray(MIB))).status).toBe(204)
    await expectStoredOnce(file)
  })
})

describe('uploads that nobody goes on with', () => {
  it('are swept after TMP_TTL_HOURS, at a start and while the server runs, and their ids say 410', async () => {
    const server = await TestServer.start({ env: { TMP_TTL_HOURS: '0.001', LEASE_SECONDS: '1' } }) // 3.6 s
    try {
      const url = tus.location(server.url, await tus.create(server.url, 1000))
      const finished = tus.location(server.url, await tus.create(server.url, 1000))
      await tus.patch(finished, 0, Buffer.alloc(1000, 3))
      await server.kill()
      await pause(3700)
      await server.start()
      await expect.poll(() => server.inbox(), { timeout: 5000 }).toEqual([])
      expect((await tus.head(url)).status).toBe(410)
      expect((await tus.head(finished)).status).toBe(410)

      const second = tus.location(server.url, await tus.create(server.url, 1000))
      expect(await server.inbox()).toHaveLength(1)
      await pause(5500)
      await expect.poll(() => server.inbox(), { timeout: 5000 }).toEqual([])
      expect((await tus.head(second)).status).toBe(410)
    } finally {
      await server.stop()
    }
  })
})

async function overwrite(path: string, position: number, byte: number): Promise<void> {
  const handle = await openFile(path, 'r+')
  await handle.write(Uint8Array.of(byte), 0, 1, position)
  await handle.close()
}

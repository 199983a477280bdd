import { randomInt } from 'node:crypto'
import { PassThrough, Readable } from 'node:stream'
import { setTimeout as pause } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { TestServer } from '../support/server.js'
import { content, tus } from '../support/tus.js'

const KIB = 1024
const PATIENT = { timeout: 10_000 }

describe('pieces that are placed in an upload', () => {
  let server: TestServer
  beforeEach(async () => (server = await TestServer.start({ env: { MIN_RATE: '0' } })))
  afterEach(() => server.stop())

  interface File {
    bytes: Buffer
    md5: string
  }
  async function begin({ bytes, md5 }: File, claim: Record<string, string> = {}): Promise<string> {
    const created = await tus.create(server.url, bytes.length, { md5, filename: 'a.bin', ...claim })
    expect(created.status).toBe(201)
    return tus.location(server.url, created)
  }
  const place = (whole: string, at: number, size: number, body?: Buffer) =>
    tus.place(server.url, whole, at, size, body)
  /** One that is there; its URL. */
  async function placed(whole: string, at: number, size: number): Promise<string> {
    const response = await place(whole, at, size)
    expect(response.status).toBe(201)
    return tus.location(server.url, response)
  }
  async function patched(url: string, offset: number, bytes: Buffer): Promise<Response> {
    const response = await tus.patch(url, offset, bytes)
    expect([response.status, response.headers.get('upload-offset')]).toEqual([
      204,
      String(offset + bytes.length),
    ])
    return response
  }
  async function standing(url: string): Promise<[string | null, string | null]> {
    const { headers } = await tus.head(url)
    return [headers.get('upload-offset'), headers.get('ferry-ahead')]
  }
  async function expectStored({ md5, bytes }: File): Promise<void> {
    const got = await fetch(`${server.url}/files/${md5}.bin`)
    expect(got.status).toBe(200)
    expect(Buffer.from(await got.arrayBuffer()).equals(bytes)).toBe(true)
    await expect.poll(() => server.inbox()).toEqual([])
  }
  const code = async (response: Response) => [
    response.status,
    ((await response.json()) as { code: string }).code,
  ]

  it('come in any order, and the last one brings the link', async () => {
    const file = content(1_000_000)
    const whole = await begin(file)
    const late = await placed(whole, 400_000, 600_000)
    await patched(late, 0, file.bytes.subarray(400_000))
    expect(await standing(whole)).toEqual(['0', '400000-1000000'])
    const early = await placed(whole, 0, 400_000)
    await patched(early, 0, file.bytes.subarray(0, 100_000))
    expect(await standing(whole)).toEqual(['100000', '400000-1000000'])
    const last = await patched(early, 100_000, file.bytes.subarray(100_000, 400_000))
    expect(last.headers.get('content-location')).toBe(`${server.url}/files/${file.md5}.bin`)
    expect((await tus.head(whole)).headers.get('content-location')).toBe(
      `${server.url}/files/${file.md5}.bin`,
    )
    await expectStored(file)
  })

  it('come along with their creation, many at once', async () => {
    const file = content(40 * 200 * KIB + 77)
    const whole = await begin(file)
    let next = 0
    const links: string[] = []
    const send = async (): Promise<void> => {
      for (
        let at = (next += 200 * KIB) - 200 * KIB;
        at < file.bytes.length;
        at = (next += 200 * KIB) - 200 * KIB
      ) {
        const bytes = file.bytes.subarray(at, at + 200 * KIB)
        const response = await place(whole, at, bytes.length, bytes)
        expect([response.status, response.headers.get('upload-offset')]).toEqual([201, String(bytes.length)])
        links.push(response.headers.get('content-location') ?? '')
      }
    }
    await Promise.all(Array.from({ length: 8 }, send))
    expect(links.filter((link) => link !== '')).toContain(`${server.url}/files/${file.md5}.bin`)
    await expectStored(file)
  })

  it('are kept over a kill, and so is what they have brought', async () => {
    const file = content(900_000)
    const whole = await begin(file)
    const [one, two, three] = [
      await placed(whole, 0, 300_000),
      await placed(whole, 300_000, 300_000),
      await placed(whole, 600_000, 300_000),
    ]
    await patched(three, 0, file.bytes.subarray(600_000))
    await patched(two, 0, file.bytes.subarray(300_000, 450_000))
    await patched(one, 0, file.bytes.subarray(0, 10_000))
    await server.kill()
    await server.start()
    expect(await standing(whole)).toEqual(['10000', '300000-450000,600000-900000'])
    expect((await tus.head(two)).headers.get('upload-offset')).toBe('150000')
    await patched(two, 150_000, file.bytes.subarray(450_000, 600_000))
    await server.kill()
    await server.start()
    await patched(one, 10_000, file.bytes.subarray(10_000, 300_000))
    await expectStored(file)
  })

  it('are refused where they do not fit', async () => {
    const file = content(1_000_000)
    const whole = await begin(file)
    await tus.patch(whole, 0, file.bytes.subarray(0, 1000))
    const piece = await placed(whole, 500_000, 1000)
    await patched(piece, 0, file.bytes.subarray(500_000, 500_010))
    for (const [at, size, status] of [
      [999, 10, 409],
      [0, 10, 409],
      [500_009, 10, 409],
      [499_000, 100_000, 409],
      [999_999, 2, 400],
      [5000, 0, 400],
    ] as const)
      expect((await place(whole, at, size)).status, `${at} ${size}`).toBe(status)
    expect(await code(await place(`/${'0'.repeat(32)}`, 0, 10))).toEqual([404, 'not-found'])
    expect(await code(await place(piece, 0, 10))).toEqual([400, 'bad-request'])
    expect((await place('/x', 0, 10)).status).toBe(400)
    for (let n = 1; n <= 16; n++) await placed(whole, 500_000 + n * 1000, 1000)
    const seventeenth = await place(whole, 600_000, 1000)
    expect(seventeenth.headers.get('retry-after')).toBe('1')
    expect(await code(seventeenth)).toEqual([429, 'too-many'])
    await patched(whole, 1000, file.bytes.subarray(1000))
    await expectStored(file)
  })

  it('give way to newer ones, and keep what they have brought', async () => {
    const file = content(300_000)
    const whole = await begin(file)
    const idle = await placed(whole, 0, 100_000)
    await patched(idle, 0, file.bytes.subarray(0, 40_000))
    const empty = await placed(whole, 100_000, 100_000)
    // Its sender has gone silent, and its connection is not known to be dead.
    const silent = await placed(whole, 200_000, 100_000)
    const body = new PassThrough()
    const going = tus.patch(silent, 0, Readable.toWeb(body) as ReadableStream).catch(() => undefined)
    body.write(file.bytes.subarray(200_000, 250_000))
    await expect.poll(() => standing(whole), PATIENT).toEqual(['40000', '200000-250000'])
    const begun = [
      await placed(whole, 40_000, 110_000),
      await placed(whole, 150_000, 50_000),
      await placed(whole, 250_000, 50_000),
    ]
    // It is asked to leave, as by anybody who goes on with an upload.
    expect((await going)?.headers.get('upload-offset')).toBe('50000')
    for (const url of [idle, silent])
      expect((await tus.patch(url, 50_000, Buffer.alloc(10))).status).toBe(409)
    expect((await tus.patch(empty, 0, Buffer.alloc(10))).status).toBe(409)
    await server.kill()
    await server.start()
    expect(await standing(whole)).toEqual(['40000', '200000-250000'])
    await patched(begun[2]!, 0, file.bytes.subarray(250_000))
    await patched(begun[0]!, 0, file.bytes.subarray(40_000, 150_000))
    await patched(begun[1]!, 0, file.bytes.subarray(150_000, 200_000))
    await expectStored(file)
  })

  it('give way to who sends the file itself, and what they have brought is not asked for again', async () => {
    const file = content(600_000)
    const whole = await begin(file)
    const one = await placed(whole, 100_000, 100_000)
    const two = await placed(whole, 400_000, 200_000)
    await patched(one, 0, file.bytes.subarray(100_000, 150_000))
    await patched(two, 0, file.bytes.subarray(400_000, 500_000))
    // Wrong bytes where the pieces stand: they are there, and not written again.
    const bytes = Buffer.from(file.bytes)
    bytes.fill(0, 100_000, 150_000).fill(0, 400_000, 500_000)
    await patched(whole, 0, bytes.subarray(0, 90_000))
    expect((await tus.patch(one, 50_000, Buffer.alloc(10))).status).toBe(409)
    expect(await standing(whole)).toEqual(['90000', '100000-150000,400000-500000'])
    await patched(whole, 90_000, bytes.subarray(90_000))
    await expectStored(file)
  })

  it('are over when the upload changes hands, and what is missing of them may be sent by others', async () => {
    const file = content(600_000)
    const first = await begin(file, { client: 'me' })
    const piece = await placed(first, 200_000, 300_000)
    await patched(piece, 0, file.bytes.subarray(200_000, 250_000))
    const whole = await begin(file, { client: 'me' })
    expect(await standing(whole)).toEqual(['0', '200000-250000'])
    expect((await tus.head(first)).status).toBe(404)
    await server.kill()
    await server.start()
    expect(await standing(whole)).toEqual(['0', '200000-250000'])
    await patched(await placed(whole, 250_000, 350_000), 0, file.bytes.subarray(250_000))
    await patched(await placed(whole, 0, 200_000), 0, file.bytes.subarray(0, 200_000))
    await expectStored(file)
  })

  it('end with their upload, and it goes on without them', async () => {
    const file = content(100_000)
    const whole = await begin(file)
    const one = await placed(whole, 0, 50_000)
    const two = await placed(whole, 50_000, 50_000)
    await patched(two, 0, file.bytes.subarray(50_000, 60_000))
    expect((await tus.terminate(two)).status).toBe(204)
    expect(await standing(whole)).toEqual(['0', 'none'])
    await patched(one, 0, file.bytes.subarray(0, 40_000))
    expect((await tus.terminate(whole)).status).toBe(204)
    for (const url of [one, two, whole]) expect((await tus.head(url)).status).toBe(404)
    expect(await server.inbox()).toEqual([])
  })

  it('bring nothing that is not what was declared', async () => {
    const file = content(100_000)
    const whole = await begin({ ...file, md5: content(1).md5 })
    await patched(await placed(whole, 50_000, 50_000), 0, file.bytes.subarray(50_000))
    const last = await tus.patch(await placed(whole, 0, 50_000), 0, file.bytes.subarray(0, 50_000))
    expect(last.status).toBe(460)
    expect((await tus.head(whole)).status).toBe(404)
    expect(await server.inbox()).toEqual([])
    expect(await server.shelf()).toEqual([])
  })

  it('lose nothing that was acknowledged, whatever breaks off and whenever the server is killed', async () => {
    for (let round = 0; round < 4; round++) {
      const file = content(randomInt(2_000_000, 6_000_000))
      const whole = await begin(file)
      const over = new AbortController()
      const killing = (async () => {
        for (let kills = 0; !over.signal.aborted && kills < 8; kills++) {
          await server.kill()
          await server.start()
          await pause(randomInt(100, 900))
        }
      })()
      await fill(whole, file).finally(() => over.abort())
      await killing
      await expectStored(file)
    }
  }, 120_000)

  /** Eight senders, each with pieces of its own, who are cut off at random and come back. */
  async function fill(whole: string, { bytes }: File): Promise<void> {
    const size = Math.ceil(bytes.length / 40)
    const starts = Array.from({ length: 40 }, (_, n) => n * size).filter((at) => at < bytes.length)
    const acknowledged = new Map<number, number>()
    const one = async (at: number): Promise<void> => {
      const end = Math.min(bytes.length, at + size)
      let url: string | undefined
      for (;;) {
        try {
          if (url === undefined) {
            const created = await place(whole, at, end - at)
            if (created.status === 409 && acknowledged.get(at) === end - at) return
            if (created.status !== 201) throw new Error(`${created.status}`)
            url = tus.location(server.url, created)
          }
          const head = await tus.head(url)
          if (head.status === 404) {
            // Its upload has ended, and it with that.
            expect((await tus.head(whole)).headers.get('content-location')).not.toBe(null)
            return
          }
          const offset = Number(head.headers.get('upload-offset'))
          expect(offset).toBeGreaterThanOrEqual(acknowledged.get(at) ?? 0)
          if (offset === end - at) return
          const cut = Math.min(end, at + offset + randomInt(1, size))
          const response = await tus.patch(url, offset, bytes.subarray(at + offset, cut))
          if (response.status === 204) acknowledged.set(at, cut - at)
          if (response.headers.get('content-location')) return
        } catch (error) {
          if ((error as Error).name === 'AssertionError') throw error
          await pause(50)
        }
      }
    }
    const work = async (): Promise<void> => {
      for (let at = starts.shift(); at !== undefined; at = starts.shift()) await one(at)
    }
    await Promise.all(Array.from({ length: 8 }, work))
  }
})

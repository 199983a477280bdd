import { setTimeout as pause } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { TestServer } from '../support/server.js'
import { content, md5, metadata, offsetOf, tus } from '../support/tus.js'

/** An idle upload expires after 3.6 s, and its sender has a second to come back after a start. */
const HASTY = { TMP_TTL_HOURS: '0.001', LEASE_SECONDS: '1' }
const PATIENT = { timeout: 20_000, interval: 100 }

describe('a piece of a file in a tus concatenation', () => {
  let server: TestServer
  afterEach(() => server.stop())

  async function begin(size: number): Promise<string> {
    const partial = { headers: { 'Upload-Concat': 'partial' } }
    return tus.location(server.url, await tus.create(server.url, size, {}, partial))
  }
  async function piece(bytes: Buffer): Promise<string> {
    const url = await begin(bytes.length)
    expect((await tus.patch(url, 0, bytes)).status).toBe(204)
    return url
  }
  async function join(urls: string[], claim: Record<string, string>) {
    const headers = { 'Upload-Concat': `final;${urls.join(' ')}`, 'Upload-Metadata': metadata(claim) }
    return fetch(`${server.url}/tus`, { method: 'POST', headers: { 'Tus-Resumable': '1.0.0', ...headers } })
  }
  const refusal = async (response: Response) => {
    const { code, message } = (await response.json()) as { code: string; message: string }
    return [response.status, code, message]
  }
  const statuses = (urls: string[]) => Promise.all(urls.map(async (url) => (await tus.head(url)).status))

  describe('that nobody goes on with', () => {
    beforeEach(async () => void (server = await TestServer.start({ env: HASTY })))

    it('expires, be it complete or not: its id says 410, its part is gone, and who names it is told which to send again', async () => {
      const file = content(100_000)
      const complete = await piece(file.bytes.subarray(0, 50_000))
      const half = await begin(50_000)
      await tus.patch(half, 0, file.bytes.subarray(50_000, 60_000))
      expect(await server.inbox()).toHaveLength(2)
      await expect.poll(() => statuses([complete, half]), PATIENT).toEqual([410, 410])
      await expect.poll(() => server.inbox()).toEqual([])
      expect((await tus.patch(half, 10_000, file.bytes.subarray(60_000))).status).toBe(410)
      const fresh = await piece(file.bytes.subarray(0, 50_000))
      expect(await refusal(await join([fresh, half], { md5: file.md5 }))).toEqual([
        410,
        'gone',
        'upload 2 of 2 is over; upload it again',
      ])
      expect(await server.shelf()).toEqual([])
    })

    it('expires alone: one that still grows stays, and is joined with what was sent again', async () => {
      const file = content(2000)
      const idle = await piece(file.bytes.subarray(0, 1000))
      const growing = await begin(1000)
      let at = 0
      const grow = async (to: number) => {
        const bytes = file.bytes.subarray(1000 + at, 1000 + to)
        expect((await tus.patch(growing, at, bytes)).status).toBe(204)
        at = to
      }
      const idleAfterOneMore = async () => {
        await grow(at + 1)
        return (await tus.head(idle)).status
      }
      await expect.poll(idleAfterOneMore, PATIENT).toBe(410)
      await grow(1000)
      expect((await join([idle, growing], { md5: file.md5 })).status).toBe(410)
      const again = await piece(file.bytes.subarray(0, 1000))
      const joined = await join([again, growing], { md5: file.md5 })
      expect(joined.headers.get('content-location')).toBe(`${server.url}/files/${file.md5}.bin`)
    })

    it('expires while the server is down as well', async () => {
      const left = await piece(Buffer.alloc(1000, 1))
      await server.kill()
      await pause(3700)
      await server.start()
      await expect.poll(() => statuses([left]), PATIENT).toEqual([410])
      await expect.poll(() => server.inbox()).toEqual([])
      expect((await join([left], {})).status).toBe(410)
    })
  })

  describe('that its sender ends', () => {
    beforeEach(async () => void (server = await TestServer.start()))

    it('is gone, half as it was, and who names it is told so; the others stay, and are joined with another', async () => {
      const file = content(3000)
      const first = await piece(file.bytes.subarray(0, 1500))
      const ended = await begin(1500)
      await tus.patch(ended, 0, file.bytes.subarray(1500, 2000))
      expect((await tus.terminate(ended)).status).toBe(204)
      expect(await statuses([first, ended])).toEqual([200, 404])
      await expect.poll(() => server.inbox()).toHaveLength(1)
      expect(await refusal(await join([first, ended], { md5: file.md5 }))).toEqual([
        404,
        'not-found',
        'upload 2 of 2 is not here; upload it again',
      ])
      const another = await piece(file.bytes.subarray(1500))
      const joined = await join([first, another], { md5: file.md5 })
      expect(joined.headers.get('content-location')).toBe(`${server.url}/files/${file.md5}.bin`)
      await expect.poll(() => server.inbox()).toEqual([])
    })

    it('is gone also while bytes of it are coming in, and nothing of it is left', async () => {
      const url = await begin(10_000_000)
      const stalled = new ReadableStream({ start: (body) => body.enqueue(Buffer.alloc(300_000, 1)) })
      const sent = tus.patch(url, 0, stalled).catch(() => undefined)
      await expect.poll(() => offsetOf(url), PATIENT).toBeGreaterThan(0)
      expect((await tus.terminate(url)).status).toBe(204)
      await sent
      expect(await statuses([url])).toEqual([404])
      await expect.poll(() => server.inbox()).toEqual([])
    })

    it('takes nothing away from the file that it was joined to', async () => {
      const file = content(2000)
      const urls = [await piece(file.bytes.subarray(0, 1000)), await piece(file.bytes.subarray(1000))]
      const joined = tus.location(server.url, await join(urls, { md5: file.md5 }))
      for (const url of urls) expect((await tus.terminate(url)).status).toBe(204)
      const link = (await tus.head(joined)).headers.get('content-location')!
      expect(md5(Buffer.from(await (await fetch(link)).arrayBuffer()))).toBe(file.md5)
    })
  })
})

import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { pause, TestServer } from '../support/server.js'
import { content, offsetOf, stockUpload, tus } from '../support/tus.js'

const KIB = 1024

const sha256 = expect.stringMatching(/^[0-9a-f]{64}$/)

describe('what a sender can do before it knows its file’s MD5', () => {
  let server: TestServer
  beforeAll(async () => {
    server = await TestServer.start({ env: { LEASE_SECONDS: '2', MIN_RATE: '0' } })
  })
  afterAll(() => server.stop())

  const ask = async (query: string, init: RequestInit = {}) => {
    const response = await fetch(`${server.url}/check?${query}`, init)
    const reply = (await response.json()) as Record<string, unknown>
    return { http: response.status, ...reply } as Record<string, unknown>
  }
  const idOf = (url: string) => url.split('/').at(-1)!
  const bind = (url: string, md5: string, client?: string) =>
    ask(`md5=${md5}&upload=${idOf(url)}`, {
      method: 'POST',
      headers: client === undefined ? {} : { 'Ferry-Client': client },
    })
  const begin = async (bytes: Buffer, sent: number, claim: Record<string, string> = {}) => {
    const url = tus.location(server.url, await tus.create(server.url, bytes.length, claim))
    if (sent > 0) await tus.patch(url, 0, bytes.subarray(0, sent))
    return url
  }

  describe('by size alone', () => {
    it('learns that nothing of that size is here or on its way', async () => {
      expect(await ask('size=1234567')).toEqual({ http: 200, status: 'notfound', possible: false })
    })

    it('learns that something of that size is here, or on its way', async () => {
      const { bytes } = content(7654)
      const url = await begin(bytes, 10)
      expect(await ask('size=7654')).toMatchObject({ possible: true })
      await tus.terminate(url)
      expect(await ask('size=7654')).toMatchObject({ possible: false })
      await stockUpload(server.url, bytes)
      expect(await ask('size=7654')).toMatchObject({ possible: true })
    })

    it('asks for many MD5s at once, and gets an answer for each', async () => {
      const [known, arriving, unknown] = [content(1000), content(1000), content(1000)]
      await stockUpload(server.url, known.bytes)
      await begin(arriving.bytes, 500, { md5: arriving.md5, client: 'mine' })
      const all = [known, arriving, unknown].map(({ md5 }) => md5).join(',')
      const mine = { headers: { 'Ferry-Client': 'mine' } }
      // A SHA-256 is known a moment later.
      await expect.poll(() => ask(`md5=${known.md5}`), { timeout: 10_000 }).toHaveProperty('sha256')
      expect(await ask(`md5s=${all}`, mine)).toEqual({
        http: 200,
        status: 'many',
        answers: [
          { status: 'exists', url: `${server.url}/files/${known.md5}.bin`, size: 1000, sha256 },
          expect.objectContaining({ status: 'uploading', offset: 500, resumable: true }),
          { status: 'notfound' },
        ],
      })
      for (const bad of ['', 'x', `${known.md5},`, Array(257).fill(known.md5).join(',')])
        expect(await ask(`md5s=${bad}`)).toMatchObject({ http: 400, code: 'bad-md5' })
    })

    it('is told what a size is', async () => {
      for (const size of ['', '-1', '1.5', 'x', '99999999999999999'])
        expect(await ask(`size=${size}`)).toMatchObject({ status: 'error', code: 'bad-request' })
    })
  })

  describe('by declaring it later', () => {
    it('owns the claim from then on, also after a kill', async () => {
      const { bytes, md5 } = content(100 * KIB)
      const url = await begin(bytes, 50 * KIB, { client: 'mine' })
      expect(await ask(`md5=${md5}`)).toMatchObject({ status: 'notfound' })
      for (let times = 0; times < 2; times++)
        expect(await bind(url, md5, 'mine')).toMatchObject({
          status: 'uploading',
          bound: true,
          resumable: true,
          offset: 50 * KIB,
        })
      expect((await ask(`md5=${md5}`)).status).toBe('uploading')
      await server.kill()
      await server.start()
      expect((await ask(`md5=${md5}`)).status).toBe('uploading')
      await tus.patch(url, 50 * KIB, bytes.subarray(50 * KIB))
      expect(await ask(`md5=${md5}`)).toMatchObject({ status: 'exists', size: 100 * KIB })
      expect(await bind(url, md5)).toMatchObject({ status: 'exists', bound: true })
    })

    it('is held to it: other bytes are refused and nothing is kept', async () => {
      const { bytes } = content(1000)
      const url = await begin(bytes, 500)
      await bind(url, content(1).md5)
      expect((await tus.patch(url, 500, bytes.subarray(500))).status).toBe(460)
      expect((await tus.head(url)).status).toBe(404)
    })

    it('is told that the content is here, and can drop what it has sent', async () => {
      const { bytes, md5 } = content(1000)
      await stockUpload(server.url, bytes, { metadata: { filename: 'a.mp4' } })
      await expect.poll(() => ask(`md5=${md5}`), { timeout: 10_000 }).toHaveProperty('sha256')
      const url = await begin(bytes, 500)
      expect(await bind(url, md5)).toEqual({
        http: 200,
        status: 'exists',
        url: `${server.url}/files/${md5}.mp4`,
        size: 1000,
        sha256,
        bound: false,
      })
      expect((await tus.terminate(url)).status).toBe(204)
    })

    it('is told that it arrives from somebody else', async () => {
      const { bytes, md5 } = content(1000)
      await begin(bytes, 700, { md5 })
      const url = await begin(bytes, 500)
      const answer = await bind(url, md5)
      expect(answer).toMatchObject({ status: 'uploading', bound: false, offset: 700 })
      expect(answer['resumable']).toBeUndefined()
    })

    it('is told of an upload of its own that is further, and gets that', async () => {
      const { bytes, md5 } = content(1000)
      await begin(bytes, 700, { md5, client: 'mine' })
      const url = await begin(bytes, 500, { client: 'mine' })
      expect(await bind(url, md5, 'mine')).toMatchObject({ bound: false, resumable: true, offset: 700 })
      await tus.terminate(url)
      const taken = tus.location(server.url, await tus.create(server.url, 1000, { md5, client: 'mine' }))
      expect(await offsetOf(taken)).toBe(700)
    })

    it('has the better claim where an abandoned upload is less far', async () => {
      const { bytes, md5 } = content(1000)
      await begin(bytes, 100, { md5, client: 'gone' })
      await pause(2500)
      const url = await begin(bytes, 500)
      expect(await bind(url, md5)).toMatchObject({ bound: true, offset: 500 })
    })

    it('is told what is wrong with the request', async () => {
      const { bytes, md5 } = content(1000)
      const url = await begin(bytes, 500, { md5 })
      expect(await bind(url, content(1).md5)).toMatchObject({ http: 400, status: 'error' })
      expect(await bind(url, 'x')).toMatchObject({ http: 400 })
      expect(await ask(`md5=${md5}&upload=..`, { method: 'POST' })).toMatchObject({ http: 400 })
      expect(await bind(`/${'a'.repeat(32)}`, md5)).toMatchObject({ http: 404 })
    })
  })

  describe('by waiting', () => {
    const timed = async (query: string, init: RequestInit = {}) => {
      const begun = performance.now()
      const { status } = await ask(query, init)
      return { status, waited: performance.now() - begun }
    }

    it('hears at once of what is not arriving from somebody else', async () => {
      const { bytes, md5 } = content(1000)
      expect((await timed(`md5=${md5}&wait=50`)).status).toBe('notfound')
      await begin(bytes, 10, { md5, client: 'mine' })
      const own = await timed(`md5=${md5}&wait=50`, { headers: { 'Ferry-Client': 'mine' } })
      expect(own.status).toBe('uploading')
      await stockUpload(server.url, content(10).bytes)
    })

    it('hears when it has arrived, and when it was given up or its sender is dead', async () => {
      const ends = {
        exists: (url: string, bytes: Buffer) => tus.patch(url, 500, bytes.subarray(500)),
        notfound: (url: string) => tus.terminate(url),
        dead: () => Promise.resolve(),
      }
      for (const [end, act] of Object.entries(ends)) {
        const { bytes, md5 } = content(1000)
        const url = await begin(bytes, 500, { md5 })
        const waiting = timed(`md5=${md5}&wait=50`)
        await pause(300)
        await act(url, bytes)
        const { status, waited } = await waiting
        expect(status).toBe(end === 'exists' ? 'exists' : 'notfound')
        expect(waited).toBeGreaterThan(250)
      }
    })

    it('hears after the time that it gave that it is still arriving', async () => {
      const { bytes, md5 } = content(1000)
      await begin(bytes, 500, { md5 })
      const { status, waited } = await timed(`md5=${md5}&wait=1`)
      expect(status).toBe('uploading')
      expect(waited).toBeGreaterThan(900)
    })

    it('hears it also where the time is longer than a connection may be silent', async () => {
      const { bytes, md5 } = content(20_000)
      const url = await begin(bytes, 10, { md5 })
      const waiting = timed(`md5=${md5}&wait=3`)
      for (let at = 10; at < 5000; at += 1000) {
        await pause(700)
        await tus.patch(url, at, bytes.subarray(at, at + 1000))
      }
      const { status, waited } = await waiting
      expect(status).toBe('uploading')
      expect(waited).toBeGreaterThan(2900)
    })

    it('hears when the server stops', async () => {
      const { bytes, md5 } = content(1000)
      await begin(bytes, 500, { md5 })
      const waiting = ask(`md5=${md5}&wait=50`)
      await pause(200)
      expect(await server.terminate()).toBe(0)
      expect((await waiting).status).toBe('uploading')
      await server.start()
    })
  })
})

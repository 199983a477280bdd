import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { open, readFile, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Line } from '../support/proxy.js'
import { pause, TestServer } from '../support/server.js'
import { missing } from '../support/tools.js'
import { content, metadata, offsetOf, stockUpload, tus } from '../support/tus.js'

const MIB = 1024 * 1024

describe('the tus door', () => {
  let server: TestServer
  beforeAll(async () => {
    server = await TestServer.start({ env: { LEASE_SECONDS: '3' } })
  })
  afterAll(() => server.stop())

  const check = async (md5: string, headers: Record<string, string> = {}) =>
    (await fetch(`${server.url}/check?md5=${md5}`, { headers })).json()
  const fileUrl = (md5: string, extension = 'bin') => `${server.url}/files/${md5}.${extension}`
  const create = async (size: number | undefined, claim: Record<string, string> = {}) => {
    const response = await tus.create(server.url, size, claim)
    expect(response.status).toBe(201)
    return tus.location(server.url, response)
  }

  describe('as the protocol says', () => {
    it('announces its extensions and version', async () => {
      const response = await fetch(`${server.url}/tus`, { method: 'OPTIONS' })
      expect(response.headers.get('tus-version')).toBe('1.0.0')
      const extensions = response.headers.get('tus-extension')?.split(',')
      expect(extensions).toEqual(
        expect.arrayContaining([
          'creation',
          'creation-with-upload',
          'creation-defer-length',
          'termination',
          'expiration',
        ]),
      )
    })

    it('tells the offset that is on disk, and when an idle upload expires', async () => {
      const file = content(100_000)
      const url = await create(file.bytes.length, { md5: file.md5, filename: '视频.mp4' })
      const patched = await tus.patch(url, 0, file.bytes.subarray(0, 60_000))
      expect(patched.status).toBe(204)
      expect(patched.headers.get('upload-offset')).toBe('60000')
      expect(Date.parse(patched.headers.get('upload-expires')!)).toBeGreaterThan(Date.now() + 3_600_000)
      const head = await tus.head(url)
      expect(head.headers.get('upload-offset')).toBe('60000')
      expect(head.headers.get('upload-length')).toBe('100000')
      expect(head.headers.get('upload-metadata')).toBe(metadata({ md5: file.md5, filename: '视频.mp4' }))
      await tus.terminate(url)
    })

    it('does not tell anybody the client id that was sent along', async () => {
      const file = content(1000)
      const url = await create(1000, { md5: file.md5, client: 'secret-of-mine' })
      const head = await tus.head(url)
      expect(JSON.stringify([...head.headers])).not.toContain(
        Buffer.from('secret-of-mine').toString('base64'),
      )
      await tus.terminate(url)
    })

    it('answers 409 to a wrong offset and changes nothing', async () => {
      const url = await create(1000)
      const refused = await tus.patch(url, 10, Buffer.alloc(10))
      expect(refused.status).toBe(409)
      expect(refused.headers.get('connection')).not.toContain(',')
      expect(await offsetOf(url)).toBe(0)
      await tus.terminate(url)
    })

    it('refuses more bytes than were declared', async () => {
      const url = await create(1000)
      expect((await tus.patch(url, 0, Buffer.alloc(2000))).status).toBe(413)
      expect(await offsetOf(url)).toBe(0)
      await tus.terminate(url)
    })

    it('takes a file whose length is declared only at its end', async () => {
      const file = content(50_000)
      const url = await create(undefined, { filename: 'pipe.tar' })
      expect((await tus.head(url)).headers.get('upload-defer-length')).toBe('1')
      expect((await tus.patch(url, 0, file.bytes)).status).toBe(204)
      expect(await check(file.md5)).toEqual({ status: 'notfound' })
      const last = await tus.patch(url, 50_000, Buffer.alloc(0), { 'Upload-Length': '50000' })
      expect(last.status).toBe(204)
      expect(last.headers.get('content-location')).toBe(fileUrl(file.md5, 'tar'))
      expect(await check(file.md5)).toMatchObject({ status: 'exists' })
    })

    it('takes the bytes along with the creation', async () => {
      const file = content(50_000)
      const response = await tus.create(
        server.url,
        50_000,
        { md5: file.md5, filename: 'one.zip' },
        { body: file.bytes, headers: { 'Content-Type': 'application/offset+octet-stream' } },
      )
      expect(response.status).toBe(201)
      expect(response.headers.get('upload-offset')).toBe('50000')
      expect(response.headers.get('content-location')).toBe(fileUrl(file.md5, 'zip'))
      const again = await tus.create(
        server.url,
        50_000,
        { md5: file.md5 },
        { body: file.bytes, headers: { 'Content-Type': 'application/offset+octet-stream' } },
      )
      expect(again.status).toBe(201)
      expect(again.headers.get('upload-offset')).toBe('50000')
    })

    describe('and a small file with them, in one piece', () => {
      const bring = (bytes: Buffer, size: number, claim: Record<string, string>) =>
        tus.create(server.url, size, claim, {
          body: bytes,
          headers: { 'Content-Type': 'application/offset+octet-stream' },
        })

      it('stores it: the answer has its URL, and its id tells of it as of any other', async () => {
        const file = content(10_000)
        for (const filename of ['a.mp4', 'again.mkv']) {
          const response = await bring(file.bytes, 10_000, { filename })
          expect(response.status).toBe(201)
          expect(response.headers.get('upload-offset')).toBe('10000')
          expect(response.headers.get('content-location')).toBe(fileUrl(file.md5, 'mp4'))
          const head = await tus.head(tus.location(server.url, response))
          expect(head.headers.get('upload-offset')).toBe('10000')
        }
        const got = await (await fetch(fileUrl(file.md5, 'mp4'))).arrayBuffer()
        expect(Buffer.from(got)).toEqual(file.bytes)
        await expect.poll(() => server.inbox()).toEqual([])
      })

      it('keeps nothing of other bytes than declared, and lets the right ones come at once', async () => {
        const file = content(10_000)
        const wrong = await bring(content(10_000).bytes, 10_000, { md5: file.md5 })
        expect(wrong.status).toBe(460)
        expect(await check(file.md5)).toEqual({ status: 'notfound' })
        expect((await bring(file.bytes, 10_000, { md5: file.md5 })).status).toBe(201)
        expect(await check(file.md5)).toMatchObject({ status: 'exists', size: 10_000 })
        await expect.poll(() => server.inbox()).toEqual([])
      })

      it('keeps nothing of what breaks off, and nobody has to wait for it', async () => {
        const file = content(10_000)
        const socket = connect(server.port, '127.0.0.1')
        const head = [
          'POST /tus HTTP/1.1',
          'Host: localhost',
          'Tus-Resumable: 1.0.0',
          'Upload-Length: 10000',
          `Upload-Metadata: md5 ${Buffer.from(file.md5).toString('base64')}`,
          'Content-Type: application/offset+octet-stream',
          'Content-Length: 10000',
        ]
        socket.write(`${head.join('\r\n')}\r\n\r\n`)
        socket.write(file.bytes.subarray(0, 5000))
        await expect.poll(() => check(file.md5)).toMatchObject({ status: 'uploading', offset: 0 })
        socket.destroy()
        await expect.poll(() => check(file.md5)).toEqual({ status: 'notfound' })
        expect(await server.inbox()).toEqual([])
        expect((await bring(file.bytes, 10_000, { md5: file.md5 })).status).toBe(201)
      })
    })

    it('stores an empty file at its creation', async () => {
      const response = await tus.create(server.url, 0, { filename: 'empty.txt' })
      expect(response.status).toBe(201)
      const url = 'd41d8cd98f00b204e9800998ecf8427e'
      expect(response.headers.get('content-location')).toBe(fileUrl(url, 'txt'))
      expect((await fetch(fileUrl(url, 'txt'))).status).toBe(200)
    })

    it('removes an unfinished upload at once when it is terminated, even while it is sending', async () => {
      const file = content(10_000)
      const url = await create(10_000, { md5: file.md5 })
      const sending = tus.patch(url, 0, dripping(file.bytes, 100, 50)).catch(() => undefined)
      await pause(300)
      expect((await tus.terminate(url)).status).toBe(204)
      await sending
      expect((await tus.head(url)).status).toBe(404)
      expect(await check(file.md5)).toEqual({ status: 'notfound' })
      await expect.poll(() => server.inbox(), { timeout: 5000 }).toEqual([])
    })

    it('does not let a finished upload be terminated, since its content belongs to everybody', async () => {
      const file = content(1000)
      const url = await create(1000, { md5: file.md5 })
      await tus.patch(url, 0, file.bytes)
      expect((await tus.terminate(url)).status).toBe(403)
      expect(await check(file.md5)).toMatchObject({ status: 'exists' })
    })

    it('says of a finished upload, in every later HEAD, where its content is', async () => {
      const file = content(1000)
      const url = await create(1000, { filename: 'x.pdf' })
      const patched = await tus.patch(url, 0, file.bytes)
      expect(patched.headers.get('content-location')).toBe(fileUrl(file.md5, 'pdf'))
      expect(patched.headers.get('access-control-expose-headers')).toContain('Content-Location')
      const head = await tus.head(url)
      expect(head.headers.get('upload-offset')).toBe('1000')
      expect(head.headers.get('content-location')).toBe(fileUrl(file.md5, 'pdf'))
    })

    it.each([
      ['an md5 that is none', { md5: 'abc' }, 400, 'bad-md5'],
      ['an unknown id', undefined, 404, undefined],
    ])('answers %s with a fitting status', async (_name, claim, status, code) => {
      const response = claim
        ? await tus.create(server.url, 10, claim)
        : await tus.patch(`${server.url}/tus/${'0'.repeat(32)}`, 0, Buffer.alloc(1))
      expect(response.status).toBe(status)
      if (code) expect(await response.json()).toMatchObject({ status: 'error', code })
    })

    it('gives no content away under /tus', async () => {
      const file = content(1000)
      const url = await create(1000)
      await tus.patch(url, 0, file.bytes)
      expect((await fetch(url)).status).toBe(404)
    })
  })

  describe('verifies what arrives', () => {
    it('answers 460 to bytes that have another md5 than declared, and keeps nothing of them', async () => {
      const file = content(100_000)
      const other = content(100_000)
      const url = await create(100_000, { md5: file.md5 })
      const response = await tus.patch(url, 0, other.bytes)
      expect(response.status).toBe(460)
      expect(await response.json()).toMatchObject({ status: 'error', code: 'md5-mismatch' })
      expect((await tus.head(url)).status).toBe(404)
      expect(await check(file.md5)).toEqual({ status: 'notfound' })
      expect(await check(other.md5)).toEqual({ status: 'notfound' })
      await expect.poll(() => server.inbox(), { timeout: 5000 }).toEqual([])
    })

    it('names a file that came without an md5 by the one it has, and stores the same content once', async () => {
      const file = content(200_000)
      const first = await stockUpload(server.url, file.bytes, { metadata: { filename: 'first.mp4' } })
      const second = await stockUpload(server.url, file.bytes, { metadata: { filename: 'second.mkv' } })
      expect(first.location).toBe(fileUrl(file.md5, 'mp4'))
      expect(second.location).toBe(first.location)
      expect((await server.shelf()).filter((name) => name.startsWith(file.md5))).toEqual([`${file.md5}.mp4`])
      await expect.poll(() => server.inbox(), { timeout: 5000 }).toEqual([])
    })

    it('stores one file when the same bytes finish under two names at the same time', async () => {
      const file = content(3 * MIB)
      const names = ['a.mp4', 'b.mkv', 'c.webm', 'd.bin']
      const results = await Promise.all(
        names.map((filename) => stockUpload(server.url, file.bytes, { metadata: { filename } })),
      )
      expect(new Set(results.map(({ location }) => location)).size).toBe(1)
      expect((await server.shelf()).filter((name) => name.startsWith(file.md5))).toHaveLength(1)
      await expect.poll(() => server.inbox(), { timeout: 5000 }).toEqual([])
    })

    it('accepts a stock tus-js-client that sends no metadata at all, in small PATCHes', async () => {
      const file = content(3 * MIB + 17)
      const { location } = await stockUpload(server.url, file.bytes, { chunkSize: 256 * 1024 })
      expect(location).toBe(fileUrl(file.md5))
    })

    it.skipIf(missing('curl'))(`works with curl alone${missing('curl')}`, async () => {
      const file = content(300_000)
      const path = join(server.dir, 'curl.bin')
      await writeFile(path, file.bytes)
      const curl = async (args: string) =>
        (await promisify(execFile)('curl', ['-sS', ...args.split(' ')])).stdout
      const created = await curl(
        `-i -X POST ${server.url}/tus -H Tus-Resumable:1.0.0 -H Upload-Length:300000`,
      )
      const url = new URL(/location: (\S+)/i.exec(created)![1]!, server.url).href
      const answer = await curl(
        `-i -X PATCH ${url} -H Tus-Resumable:1.0.0 -H Upload-Offset:0 -H Content-Type:application/offset+octet-stream --data-binary @${path}`,
      )
      expect(answer).toContain('204')
      expect(answer).toMatch(new RegExp(`content-location: ${fileUrl(file.md5)}`, 'i'))
    })
  })

  describe('never asks for the same bytes twice', () => {
    it.each([
      ['retries', [0, 200]],
      ['does not retry', []],
    ])(
      'completes known content at once for a stock client that %s: under 16 MiB leave it',
      async (_name, retryDelays) => {
        const file = content(64 * MIB)
        await stockUpload(server.url, file.bytes)
        const line = await Line.to(server.port)
        try {
          for (let round = 0; round < 5; round++) {
            const { location } = await stockUpload(`http://${line.address}`, file.bytes, {
              metadata: { md5: file.md5 },
              retryDelays,
            })
            expect(location).toBe(fileUrl(file.md5))
          }
          expect(line.up / 5).toBeLessThan(16 * MIB)
        } finally {
          await line.close()
        }
      },
    )

    it('says HEAD = length and the URL of known content right from its creation', async () => {
      const file = content(1000)
      await stockUpload(server.url, file.bytes)
      const url = await create(1000, { md5: file.md5 })
      const head = await tus.head(url)
      expect(head.headers.get('upload-offset')).toBe('1000')
      expect(head.headers.get('content-location')).toBe(fileUrl(file.md5))
    })

    it('does not believe a declared md5 whose size differs from the content it has', async () => {
      const file = content(1000)
      await stockUpload(server.url, file.bytes)
      const url = await create(999, { md5: file.md5 })
      expect(await offsetOf(url)).toBe(0)
      expect((await tus.patch(url, 0, file.bytes.subarray(0, 999))).status).toBe(460)
    })

    it('gives exactly one of eight that come at once the upload, and the others a 423', async () => {
      const file = content(1000)
      const answers = await Promise.all(
        Array.from({ length: 8 }, () => tus.create(server.url, 1000, { md5: file.md5 })),
      )
      expect(answers.map(({ status }) => String(status)).toSorted()).toEqual(['201', ...Array(7).fill('423')])
      const refused = answers.find(({ status }) => status === 423)!
      expect(refused.headers.get('content-type')).toContain('application/json')
      expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0)
      expect(await refused.json()).toMatchObject({ status: 'uploading', offset: 0, size: 1000 })
      expect(await check(file.md5)).toMatchObject({ status: 'uploading', offset: 0, size: 1000 })
      await tus.terminate(
        tus.location(
          server.url,
          answers.find(({ status }) => status === 201)!,
        ),
      )
    })

    it('lets the next sender take over a stalled upload where it stands, under a new URL', async () => {
      const file = content(100_000)
      const claim = { md5: file.md5, filename: 'x.iso' }
      const stalled = await create(100_000, claim)
      await tus.patch(stalled, 0, file.bytes.subarray(0, 70_000))
      expect((await tus.create(server.url, 100_000, claim)).status).toBe(423)
      await pause(3200)
      expect(await check(file.md5)).toEqual({ status: 'notfound' })
      const taken = await create(100_000, claim)
      expect(taken).not.toBe(stalled)
      expect(await offsetOf(taken)).toBe(70_000)
      expect((await tus.head(stalled)).status).toBe(404)
      const done = await tus.patch(taken, 70_000, file.bytes.subarray(70_000))
      expect(done.headers.get('content-location')).toBe(fileUrl(file.md5, 'iso'))
      await expect.poll(() => server.inbox(), { timeout: 5000 }).toEqual([])
    })

    it('takes over from a connection that is open but silent: an open connection alone is not life', async () => {
      const file = content(100_000)
      const claim = { md5: file.md5 }
      const stalled = await create(100_000, claim)
      const silent = tus.patch(stalled, 0, stuck(file.bytes.subarray(0, 40_000))).catch(() => undefined)
      await pause(3500)
      const taken = await create(100_000, claim)
      expect(await offsetOf(taken)).toBe(40_000)
      expect((await tus.patch(taken, 40_000, file.bytes.subarray(40_000))).status).toBe(204)
      await silent
    })

    it('lets a stock client take over: it starts from 0, is told 409, and sends the rest only', async () => {
      const file = content(8 * MIB)
      const claim = { md5: file.md5 }
      const stalled = await create(8 * MIB, claim)
      await tus.patch(stalled, 0, file.bytes.subarray(0, 6 * MIB))
      await pause(3200)
      const { location } = await stockUpload(server.url, file.bytes, { metadata: claim })
      expect(location).toBe(fileUrl(file.md5))
    })

    it('gives a client its own upload back at once, and tells only that client that it may go on', async () => {
      const file = content(100_000)
      const claim = { md5: file.md5, client: 'c1'.repeat(16) }
      const first = await create(100_000, claim)
      await tus.patch(first, 0, file.bytes.subarray(0, 30_000))
      expect(await check(file.md5, { 'Ferry-Client': claim.client })).toMatchObject({
        status: 'uploading',
        offset: 30_000,
        resumable: true,
      })
      expect(await check(file.md5, { 'Ferry-Client': 'other' })).not.toHaveProperty('resumable')
      const second = await create(100_000, claim)
      expect(await offsetOf(second)).toBe(30_000)
      await tus.terminate(second)
    })

    it('gives two that disagree about the size an upload each; the md5 tells who is right', async () => {
      const file = content(1000)
      const wrong = await create(2000, { md5: file.md5 })
      const right = await create(1000, { md5: file.md5 })
      expect(await check(file.md5)).toMatchObject({ status: 'uploading', size: 1000 })
      expect((await tus.patch(right, 0, file.bytes)).status).toBe(204)
      expect((await tus.patch(wrong, 0, Buffer.alloc(2000))).status).toBe(460)
      expect(await check(file.md5)).toMatchObject({ status: 'exists' })
    })

    it('does not cut off a transfer that moves when somebody asks how far it is', async () => {
      const file = content(30_000)
      const url = await create(30_000, { md5: file.md5 })
      const sending = tus.patch(url, 0, dripping(file.bytes, 1000, 100))
      for (let asked = 0; asked < 5; asked++) {
        await pause(400)
        expect((await tus.head(url)).status).toBe(200)
      }
      expect((await sending).status).toBe(204)
    })

    it('lets a client that reconnects go on although its old connection still hangs', async () => {
      const file = content(100_000)
      const url = await create(100_000, { md5: file.md5 })
      const hanging = tus.patch(url, 0, stuck(file.bytes.subarray(0, 50_000))).catch(() => undefined)
      await pause(2100) // silent for longer than 2 s: HEAD may take its lock
      expect(await offsetOf(url)).toBe(50_000)
      expect((await tus.patch(url, 50_000, file.bytes.subarray(50_000))).status).toBe(204)
      await hanging
      expect(await check(file.md5)).toMatchObject({ status: 'exists' })
    })
  })

  it('keeps the right file when a client sends garbage into an upload that another finishes', async () => {
    const file = content(2 * MIB)
    const poisoned = await create(2 * MIB, { md5: file.md5 })
    await tus.patch(poisoned, 0, Buffer.alloc(MIB, 7))
    await pause(3200)
    const taken = await create(2 * MIB, { md5: file.md5 })
    expect(await offsetOf(taken)).toBe(MIB)
    expect((await tus.patch(taken, MIB, file.bytes.subarray(MIB))).status).toBe(460)
    const honest = await create(2 * MIB, { md5: file.md5 })
    expect(await offsetOf(honest)).toBe(0)
    expect((await tus.patch(honest, 0, file.bytes)).status).toBe(204)
    const stored = await readFile(join(server.files, `${file.md5}.bin`))
    expect(createHash('md5').update(stored).digest('hex')).toBe(file.md5)
  })

  it('tells no offset beyond the disk while bytes arrive: what HEAD says is in the file', async () => {
    const file = content(400_000)
    const url = await create(400_000, { md5: file.md5 })
    const sending = tus.patch(url, 0, dripping(file.bytes, 20_000, 100))
    const id = url.split('/').at(-1)!
    for (let asked = 0; asked < 8; asked++) {
      await pause(200)
      const offset = await offsetOf(url)
      const part = await open(join(server.tmp, `tmp_${id}`))
      const { size } = await part.stat()
      const start = Buffer.alloc(offset)
      await part.read(start, 0, offset, 0)
      await part.close()
      expect(size).toBeGreaterThanOrEqual(offset)
      expect(start.equals(file.bytes.subarray(0, offset))).toBe(true)
    }
    expect((await sending).status).toBe(204)
  })
})

/** A body that comes in pieces, with pauses. */
function dripping(bytes: Buffer, piece: number, milliseconds: number): ReadableStream {
  let at = 0
  return new ReadableStream({
    async pull(controller) {
      if (at >= bytes.length) return controller.close()
      await pause(milliseconds)
      controller.enqueue(bytes.subarray(at, at + piece))
      at += piece
    },
  })
}

/** A body that sends some bytes and then nothing more. */
function stuck(bytes: Buffer): ReadableStream {
  let sent = false
  return new ReadableStream({
    async pull(controller) {
      if (sent) return pause(20_000)
      sent = true
      controller.enqueue(bytes)
    },
  })
}

import { appendFile, link, stat } from 'node:fs/promises'
import path from 'node:path'
import { Upload, type UploadOptions } from 'tus-js-client'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { scrape } from '../support/metrics.js'
import { pause, TestServer } from '../support/server.js'
import { content, md5, metadata, tus } from '../support/tus.js'

const MIB = 1024 * 1024
const PARTIAL = { headers: { 'Upload-Concat': 'partial' } }

describe('tus concatenation', () => {
  let server: TestServer
  beforeEach(async () => (server = await TestServer.start()))
  afterEach(() => server.stop())

  /** Partial uploads with these bytes; their URLs. */
  async function pieces(...all: Buffer[]): Promise<string[]> {
    const urls = []
    for (const bytes of all) {
      const url = tus.location(server.url, await tus.create(server.url, bytes.length, {}, PARTIAL))
      const patched = await tus.patch(url, 0, bytes)
      expect([patched.status, patched.headers.get('upload-offset')]).toEqual([204, String(bytes.length)])
      urls.push(url)
    }
    return urls
  }
  function join(urls: string[], claim: Record<string, string> = {}): Promise<Response> {
    const described = Object.keys(claim).length > 0 ? { 'Upload-Metadata': metadata(claim) } : {}
    const headers = { 'Tus-Resumable': '1.0.0', 'Upload-Concat': `final;${urls.join(' ')}`, ...described }
    return fetch(`${server.url}/tus`, { method: 'POST', headers })
  }
  const isStored = async (file: { bytes: Buffer; md5: string }, extension = 'bin') => {
    const got = await fetch(`${server.url}/files/${file.md5}.${extension}`)
    return got.status === 200 && md5(Buffer.from(await got.arrayBuffer())) === file.md5
  }
  /** A file in so many pieces, which differ in size. */
  function cut({ bytes }: { bytes: Buffer }, count: number): Buffer[] {
    const size = Math.ceil(bytes.length / count)
    const at = (n: number): number => (n >= count ? bytes.length : n * size - (n > 0 ? n : 0))
    return Array.from({ length: count }, (_, n) => bytes.subarray(at(n), at(n + 1)))
  }
  const inPieces = async (file: { bytes: Buffer }, count: number) => pieces(...cut(file, count))
  const code = async (response: Response) => {
    const { code, message } = (await response.json()) as { code: string; message: string }
    return [response.status, code, message]
  }

  /** Bytes that the server has joined. */
  const joined = async () => (await scrape(server.url)).get('ferry_received_bytes_total{door="join"}')

  /** A stock client with several connections; its URL and where the content is. */
  function stock(bytes: Buffer, options: UploadOptions): Promise<string | undefined> {
    let location: string | undefined
    return new Promise((resolve, reject) => {
      new Upload(bytes, {
        endpoint: `${server.url}/tus`,
        parallelUploads: 4,
        retryDelays: [0, 200, 500],
        onAfterResponse: (_request, response) => void (location = response.getHeader('Content-Location')),
        onError: reject,
        onSuccess: () => resolve(location),
        ...options,
      }).start()
    })
  }

  it('is announced', async () => {
    const options = await fetch(`${server.url}/tus`, { method: 'OPTIONS' })
    expect(options.headers.get('tus-extension')!.split(',')).toContain('concatenation')
  })

  it('lets a stock tus-js-client send a file over four connections, and joins nothing the next time', async () => {
    const file = content(20 * MIB + 3)
    const options = { metadata: { md5: file.md5, filename: '影片.mp4' } }
    expect(await stock(file.bytes, options)).toBe(`${server.url}/files/${file.md5}.mp4`)
    expect(await isStored(file, 'mp4')).toBe(true)
    expect(await server.shelf()).toEqual([`${file.md5}.mp4`])
    await expect.poll(() => server.inbox()).toEqual([])
    expect(await joined()).toBe(file.bytes.length)
    expect(await stock(file.bytes, options)).toBe(`${server.url}/files/${file.md5}.mp4`)
    expect(await joined()).toBe(file.bytes.length)
    expect(await server.shelf()).toEqual([`${file.md5}.mp4`])
    await expect.poll(() => server.inbox()).toEqual([])
  })

  it('names a file by what was computed where its client declares nothing', async () => {
    const file = content(3 * MIB)
    expect(await stock(file.bytes, {})).toBe(`${server.url}/files/${file.md5}.bin`)
    expect(await isStored(file)).toBe(true)
  })

  it('tells what is a piece and what was joined, takes URLs of either kind, and no more bytes', async () => {
    const file = content(100_000)
    const [one, two] = (await inPieces(file, 2)) as [string, string]
    const piece = await tus.head(one)
    expect(piece.headers.get('upload-concat')).toBe('partial')
    expect(piece.headers.get('upload-offset')).toBe(piece.headers.get('upload-length'))
    const joined = await join([new URL(one).pathname, two], { md5: file.md5 })
    expect([joined.status, joined.headers.get('content-location')]).toEqual([
      201,
      `${server.url}/files/${file.md5}.bin`,
    ])
    const url = tus.location(server.url, joined)
    const head = await tus.head(url)
    expect(Object.fromEntries(head.headers)).toMatchObject({
      'upload-concat': `final;${new URL(one).pathname} ${new URL(two).pathname}`,
      'upload-offset': '100000',
      'upload-length': '100000',
    })
    expect((await tus.patch(url, 100_000, Buffer.from('x'))).status).toBe(403)
    expect(await isStored(file)).toBe(true)
    // The pieces are what they were, as far as anybody can see, and hold no room.
    expect((await tus.head(one)).headers.get('upload-offset')).toBe(piece.headers.get('upload-length'))
    expect(await server.inbox()).toEqual([])
  })

  it('joins a file of one piece, and of an empty one among others', async () => {
    const file = content(70_000)
    const urls = await pieces(Buffer.alloc(0), file.bytes)
    expect((await join(urls, { md5: file.md5 })).status).toBe(201)
    expect(await isStored(file)).toBe(true)
    const other = content(10)
    expect((await join(await pieces(other.bytes))).status).toBe(201)
    expect(await isStored(other)).toBe(true)
  })

  it('says what it can not join, and keeps what it has', async () => {
    const file = content(50_000)
    const [one, two] = cut(file, 2) as [Buffer, Buffer]
    const [first] = (await pieces(one)) as [string]
    const second = tus.location(server.url, await tus.create(server.url, two.length, {}, PARTIAL))
    await tus.patch(second, 0, two.subarray(0, 1000))
    expect(await code(await join([first, second]))).toEqual([
      400,
      'bad-request',
      expect.stringContaining('upload 2 of 2 is not complete'),
    ])
    expect((await tus.patch(second, 1000, two.subarray(1000))).status).toBe(204)
    const whole = tus.location(server.url, await tus.create(server.url, 10))
    const gone = `${server.url}/tus/${'0'.repeat(32)}`
    for (const [urls, status, said] of [
      [[first, first], 400, 'named twice'],
      [[first, whole], 400, 'not a partial one'],
      [[first, gone], 404, 'upload 2 of 2 is not here'],
      [['http://elsewhere.example/x'], 400, 'no upload of this server'],
      [[], 400, 'Upload-Concat must be'],
    ] as const)
      expect(await code(await join([...urls]))).toEqual([
        status,
        expect.any(String),
        expect.stringContaining(said),
      ])
    expect((await join([first, second], { md5: file.md5 })).status).toBe(201)
    expect(await isStored(file)).toBe(true)
    const [third] = (await pieces(Buffer.from('more'))) as [string]
    expect(await code(await join([first, third]))).toEqual([
      400,
      'bad-request',
      expect.stringContaining('part of another file already'),
    ])
  })

  it('keeps nothing of what is not what was declared, and lets its sender begin anew', async () => {
    const file = content(200_000)
    const urls = await inPieces(file, 3)
    expect((await join(urls, { md5: content(1).md5 })).status).toBe(460)
    expect(await server.inbox()).toEqual([])
    for (const url of urls) expect((await tus.head(url)).status).toBe(404)
    expect((await join(await inPieces(file, 3), { md5: file.md5 })).status).toBe(201)
  })

  it('gives the same to who asks twice, one after the other or at once', async () => {
    const file = content(30 * MIB)
    const urls = await inPieces(file, 3)
    const answers = await Promise.all([join(urls, { md5: file.md5 }), join(urls, { md5: file.md5 })])
    answers.push(await join(urls, { md5: file.md5 }), await join(urls))
    for (const answer of answers)
      expect([answer.status, answer.headers.get('content-location')]).toEqual([
        201,
        `${server.url}/files/${file.md5}.bin`,
      ])
    expect(await server.inbox()).toEqual([])
  })

  it('joins nothing where the content is known already', async () => {
    const file = content(5 * MIB)
    expect((await join(await inPieces(file, 2), { md5: file.md5 })).status).toBe(201)
    const before = await stat(`${server.files}/${file.md5}.bin`)
    expect((await join(await inPieces(file, 4), { md5: file.md5 })).status).toBe(201)
    expect((await stat(`${server.files}/${file.md5}.bin`)).ino).toBe(before.ino)
    await expect.poll(() => server.inbox()).toEqual([])
  })

  it('ends a piece like any upload: by its sender’s wish', async () => {
    const [one, two] = (await inPieces(content(1000), 2)) as [string, string]
    expect((await tus.terminate(one)).status).toBe(204)
    expect((await tus.head(one)).status).toBe(404)
    expect((await join([one, two])).status).toBe(404)
    expect(await server.inbox()).toHaveLength(1)
  })

  it('does not take a piece for complete that only looks so, on disk and with a second link', async () => {
    const url = tus.location(server.url, await tus.create(server.url, 1000, {}, PARTIAL))
    await tus.patch(url, 0, Buffer.alloc(400, 1))
    await server.kill()
    const [part] = await server.inbox()
    await appendFile(path.join(server.tmp, part!), Buffer.alloc(600, 2))
    await link(path.join(server.tmp, part!), path.join(server.dir, 'backup'))
    await server.start()
    expect((await tus.head(url)).headers.get('upload-offset')).toBe('400')
    expect((await tus.patch(url, 400, Buffer.alloc(600, 1))).status).toBe(204)
    const { headers } = await join([url])
    expect(headers.get('content-location')).toBe(`${server.url}/files/${md5(Buffer.alloc(1000, 1))}.bin`)
  })

  it('keeps pieces over a kill, and goes on with a join by itself that a kill has broken off', async () => {
    const file = content(300 * MIB)
    const urls = await inPieces(file, 2)
    await server.kill()
    await server.start()
    for (const url of urls) {
      const { headers } = await tus.head(url)
      expect(headers.get('upload-offset')).toBe(headers.get('upload-length'))
    }
    const asked = join(urls, { md5: file.md5 }).catch(() => undefined)
    const offset = async () =>
      ((await (await fetch(`${server.url}/check?md5=${file.md5}`)).json()) as { offset?: number }).offset ?? 0
    while ((await offset()) === 0) await pause(5)
    await server.kill()
    expect(await asked).toBeUndefined()
    await server.start()
    const again = await join(urls, { md5: file.md5 })
    expect([again.status, again.headers.get('content-location')]).toEqual([
      201,
      `${server.url}/files/${file.md5}.bin`,
    ])
    expect(await isStored(file)).toBe(true)
    await expect.poll(() => server.inbox()).toEqual([])
  })
})

describe('a join that takes long', () => {
  let server: TestServer
  // A third of a lease is waited for in silence.
  beforeEach(async () => (server = await TestServer.start({ env: { LEASE_SECONDS: '1' } })))
  afterEach(() => server.stop())

  async function slowly(declared: (file: { md5: string }) => string) {
    const file = content(600 * MIB)
    const url = tus.location(server.url, await tus.create(server.url, file.bytes.length, {}, PARTIAL))
    await tus.patch(url, 0, file.bytes)
    const headers = {
      'Tus-Resumable': '1.0.0',
      'Upload-Concat': `final;${url}`,
      'Upload-Metadata': metadata({ md5: declared(file) }),
    }
    return { file, url, response: await fetch(`${server.url}/tus`, { method: 'POST', headers }) }
  }

  it('is heard of before a proxy gives up, and is answered when it is over', async () => {
    const { file, response } = await slowly(({ md5 }) => md5)
    expect([response.status, response.headers.get('content-location')]).toEqual([201, null])
    const standing = await (await fetch(`${server.url}/check?md5=${file.md5}`)).json()
    expect(standing).toMatchObject({ status: 'uploading' })
    expect(await response.text()).toMatch(/^ +$/)
    const head = await tus.head(tus.location(server.url, response))
    expect(head.headers.get('content-location')).toBe(`${server.url}/files/${file.md5}.bin`)
  })

  it('breaks its answer off where nothing comes of it', async () => {
    const { url, response } = await slowly(() => content(1).md5)
    expect(response.status).toBe(201)
    await expect(response.text()).rejects.toThrow()
    expect(await server.inbox()).toEqual([])
    expect((await tus.head(url)).status).toBe(404)
  })
})

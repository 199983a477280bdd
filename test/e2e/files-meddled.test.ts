import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, rename, rm, symlink, truncate, unlink, writeFile } from 'node:fs/promises'
import { get as request, type IncomingMessage } from 'node:http'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { filePart, formBytes, post } from '../support/form.js'
import { TestServer } from '../support/server.js'
import { inject } from '../support/strace.js'
import { missing } from '../support/tools.js'
import { content, md5 } from '../support/tus.js'

const MIB = 1024 * 1024

describe('what somebody has put onto the shelf or taken from it', () => {
  const copied = content(10_000)
  const bare = content(10_000)
  const elsewhere = content(10_000)
  const [link, folder, pipe] = [content(1), content(1), content(1)]
  let server: TestServer
  beforeAll(async () => {
    const dir = await mkdtemp(join(tmpdir(), 'ferry-test-'))
    const files = join(dir, 'files')
    await mkdir(join(files, `${folder.md5}.mp4`), { recursive: true })
    await writeFile(join(files, `${copied.md5.toUpperCase()}.PNG`), copied.bytes)
    await writeFile(join(files, bare.md5), bare.bytes)
    await writeFile(join(dir, 'elsewhere'), elsewhere.bytes)
    await symlink('../elsewhere', join(files, `${link.md5}.mp4`))
    execFileSync('mkfifo', [join(files, `${pipe.md5}.mp4`)])
    await mkdir(join(files, '.quarantine'))
    await writeFile(join(files, '.quarantine', `${elsewhere.md5}.mp4`), elsewhere.bytes)
    server = await TestServer.start({ dir, env: { UV_THREADPOOL_SIZE: '1' } })
  })
  afterAll(() => server.stop())

  const check = async (hash: string) => (await fetch(`${server.url}/check?md5=${hash}`)).json()
  const get = (hash: string, extension = '.mp4') => fetch(`${server.url}/files/${hash}${extension}`)
  const store = async (size: number) => {
    const { bytes, md5: hash } = content(size)
    const sent = await post(server.url, formBytes({ head: filePart('a.mp4'), body: bytes }))
    expect(sent.reply).toMatchObject({ status: 'ok', md5: hash })
    return { hash, bytes, path: join(server.files, `${hash}.mp4`) }
  }
  const expectGone = async (hash: string) => {
    const response = await get(hash)
    expect(response.status).toBe(404)
    expect(await response.json()).toMatchObject({ status: 'error', code: 'not-found' })
    expect(response.headers.get('cache-control')).toBe('no-store')
    expect(await check(hash)).toEqual({ status: 'notfound' })
  }

  it('is served where its name is a content’s, in any case and without an extension', async () => {
    for (const extension of ['.png', '.PNG', '']) {
      const response = await get(copied.md5, extension)
      expect(response.headers.get('content-type')).toBe('image/png')
      expect(md5(Buffer.from(await response.arrayBuffer()))).toBe(copied.md5)
    }
    const response = await get(bare.md5, '.mp4')
    expect(response.headers.get('content-type')).toBe('video/mp4')
    expect(md5(Buffer.from(await response.arrayBuffer()))).toBe(bare.md5)
    expect((await get(bare.md5, '')).headers.get('content-type')).toBe('application/octet-stream')
    expect(await check(bare.md5)).toMatchObject({ status: 'exists', size: 10_000 })
  })

  it('is not served where it is a link, a folder or a pipe', async () => {
    for (const { md5: hash } of [link, folder, pipe, elsewhere]) await expectGone(hash)
  })

  it('is not served after it was deleted, and can be brought again', async () => {
    const { hash, bytes, path } = await store(5000)
    await unlink(path)
    await expectGone(hash)
    const again = await post(server.url, formBytes({ head: filePart('a.mp4'), body: bytes }), {
      query: { md5: hash },
    })
    expect(again.reply).toMatchObject({ status: 'ok' })
    expect((await get(hash)).status).toBe(200)
  })

  it('is not served after it was cut, and can be brought again', async () => {
    const { hash, bytes, path } = await store(5000)
    await truncate(path, 100)
    await expectGone(hash)
    const again = await post(server.url, formBytes({ head: filePart('a.mp4'), body: bytes }), {
      query: { md5: hash },
    })
    expect(again.reply).toMatchObject({ status: 'ok' })
    expect(md5(Buffer.from(await (await get(hash)).arrayBuffer()))).toBe(hash)
  })

  it('is not served after it was replaced by a link, a folder or a pipe', async () => {
    const plants = [
      (path: string) => symlink('../elsewhere', path),
      (path: string) => mkdir(path),
      (path: string) => void execFileSync('mkfifo', [path]),
    ]
    for (const plant of plants) {
      const { hash, path } = await store(5000)
      await rename(path, join(server.dir, 'aside'))
      await plant(path)
      await expectGone(hash)
      await rm(path, { recursive: true })
    }
  })

  it('breaks the connection of a reader whose file is cut, and never fills the gap with another answer', async () => {
    const { hash, path } = await store(20 * MIB)
    const socket = connect(server.port, '127.0.0.1')
    await once(socket, 'connect')
    // Two requests at once on one connection: what follows the first answer would count as its rest.
    for (const target of [`/files/${hash}.mp4`, `/check?md5=${hash}`])
      socket.write(`GET ${target} HTTP/1.1\r\nHost: localhost\r\n\r\n`)
    await once(socket, 'readable')
    await truncate(path, 100)
    let heard = ''
    socket.setEncoding('latin1').on('data', (text: string) => (heard += text))
    await new Promise((resolve) => void socket.once('close', resolve))
    expect(heard.length).toBeLessThan(20 * MIB)
    expect(heard.split('HTTP/1.1 ')).toHaveLength(2)
    await expectGone(hash)
  })

  it('gives a reader the whole file that is deleted while he reads it', async () => {
    const { hash, path } = await store(20 * MIB)
    const response = await slowReader(`/files/${hash}.mp4`)
    await unlink(path)
    expect(await received(response)).toBe(20 * MIB)
  })

  describe.skipIf(missing('strace'))(`on a disk that can not be read${missing('strace')}`, () => {
    it('breaks the connection of its reader, says so in the log, and goes on serving others', async () => {
      const { hash } = await store(20 * MIB)
      const other = await store(5000)
      const response = await slowReader(`/files/${hash}.mp4`)
      const detach = await inject(server.pid, 'pread64:error=EIO:when=1')
      expect(await received(response)).toBeLessThan(20 * MIB)
      await detach()
      expect((await get(other.hash)).status).toBe(200)
      await expect.poll(() => server.output).toMatch(/\[ERROR\] [0-9a-f]{8} GET files failed: .*EIO/)
    })

    it('answers 503 where the file can not even be opened, and nobody keeps that', async () => {
      const { hash } = await store(5000)
      const detach = await inject(server.pid, 'openat:error=EMFILE')
      const response = await get(hash)
      await detach()
      expect(response.status).toBe(503)
      expect(response.headers.get('content-type')).toBe('application/json; charset=utf-8')
      for (const name of ['cache-control', 'etag', 'content-disposition', 'content-range'])
        expect(response.headers.get(name), name).toBeNull()
      expect((await get(hash)).status).toBe(200)
    })
  })

  /** An answer of which only the head has been read. */
  async function slowReader(path: string): Promise<IncomingMessage> {
    const asked = request(server.url + path, { agent: false })
    const [response] = (await once(asked, 'response')) as [IncomingMessage]
    expect(response.statusCode).toBe(200)
    return response
  }
})

/** How many bytes of an answer arrive before it ends, well or not. */
async function received(response: IncomingMessage): Promise<number> {
  let bytes = 0
  response.on('data', (chunk: Buffer) => (bytes += chunk.length))
  response.on('error', () => undefined)
  if (!response.closed) await new Promise((resolve) => void response.once('close', resolve))
  return bytes
}

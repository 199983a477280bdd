import { once } from 'node:events'
import {
  cp,
  mkdir,
  mkdtemp,
  readdir,
  readlink,
  rename,
  rm,
  symlink,
  utimes,
  writeFile,
} from 'node:fs/promises'
import { request } from 'node:http'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { brotliCompressSync, brotliDecompressSync, gunzipSync, gzipSync } from 'node:zlib'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { ask, formBytes, post } from '../support/form.js'
import { TestServer } from '../support/server.js'
import { content } from '../support/tus.js'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const NO_SUCH_ADDRESS = { status: 'error', code: 'not-found' }

const HTML =
  '<!doctype html><title>Ferry</title><script type="module" src="./page/index-0a_-Zz12.js"></script>'
const FILES: Record<string, string> = {
  'index.html': HTML,
  'page/index-0a_-Zz12.js': `export const words = '${'ferry '.repeat(200)}'`,
  'page/index-Cy1.css': 'body { margin: 0 }',
  'page/hash-worker-D-4_x9.js': 'postMessage(1)',
  'page/logo-1.svg': `<svg xmlns="http://www.w3.org/2000/svg">${' '.repeat(8_000_000)}</svg>`,
}
const DECOMPRESS: Record<string, (bytes: Buffer) => Buffer> = { br: brotliDecompressSync, gzip: gunzipSync }
const SCRIPT = '/page/index-0a_-Zz12.js'

describe('the page', () => {
  let server: TestServer
  let dist: string
  beforeAll(async () => {
    const dir = await mkdtemp(join(tmpdir(), 'ferry-page-'))
    dist = join(dir, 'dist/page')
    server = await TestServer.start({ dir, command: [process.execPath, await install(dir)] })
  })
  afterAll(() => server.stop())
  beforeEach(() => build(dist))

  const get = async (path: string, headers: Record<string, string> = {}, method = 'GET') =>
    (await ask(server.url, path, { method, headers }))!

  describe('says what its browser may do', () => {
    it('and lets nothing in from elsewhere, nor itself into a frame', async () => {
      const { status, headers, body } = await get('/')
      expect(status).toBe(200)
      expect(body.toString()).toBe(HTML)
      expect(headers['content-type']).toMatch(/^text\/html; ?charset=utf-8$/)
      expect(headers['content-security-policy']).toBe(
        "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; worker-src 'self'; " +
          "object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
      )
      expect(headers['x-content-type-options']).toBe('nosniff')
      expect(headers['referrer-policy']).toBe('same-origin')
    })

    it('and compiles WebAssembly in the worker that hashes, and nowhere else', async () => {
      const policies = await Promise.all(
        ['/', ...addresses()].map(async (path) => (await get(path)).headers['content-security-policy'] ?? ''),
      )
      const compiles = ['/', ...addresses()].filter((_, index) =>
        policies[index]!.includes('wasm-unsafe-eval'),
      )
      expect(compiles).toEqual(['/page/hash-worker-D-4_x9.js'])
      expect((await get(compiles[0]!)).headers['content-security-policy']).toBe(
        "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'",
      )
    })

    it('and takes each asset for the type that it has', async () => {
      const types: Record<string, RegExp> = {
        js: /^text\/javascript/,
        css: /^text\/css/,
        svg: /^image\/svg\+xml/,
      }
      for (const path of addresses()) {
        const { status, headers } = await get(path)
        expect(status, path).toBe(200)
        expect(headers['content-type'], path).toMatch(types[path.split('.').at(-1)!]!)
        expect(headers['x-content-type-options'], path).toBe('nosniff')
      }
    })
  })

  describe('comes in the encoding that the browser takes', () => {
    const cases: [string | undefined, string | undefined][] = [
      ['gzip, deflate, br, zstd', 'br'],
      ['br', 'br'],
      ['gzip, deflate', 'gzip'],
      ['gzip;q=0.5, br;q=0', 'gzip'],
      ['br;q=0, gzip;q=0', undefined],
      ['identity', undefined],
      ['zstd', undefined],
      [undefined, undefined],
    ]
    it.each(cases)('for Accept-Encoding: %s it is %s', async (accepted, encoding) => {
      for (const path of ['/', SCRIPT, '/page/logo-1.svg']) {
        const { status, headers, body } = await get(path, accepted ? { 'accept-encoding': accepted } : {})
        expect(status).toBe(200)
        expect(headers['content-encoding'], path).toBe(encoding)
        expect(headers['content-length'], path).toBe(String(body.length))
        expect(headers['vary'], path).toBe('Accept-Encoding')
        const plain = DECOMPRESS[encoding ?? '']?.(body) ?? body
        expect(plain.toString() === FILES[path.slice(1) || 'index.html'], path).toBe(true)
      }
    })

    it('whole where a range is asked for, even one that makes no sense', async () => {
      for (const range of [
        'bytes=0-9',
        'bytes=-5',
        'bytes=9-2',
        'bytes=0-1,5-6',
        'bytes=99999999-',
        'lines=1',
      ]) {
        const { status, body } = (await ask(server.url, SCRIPT, { headers: { range } })) ?? {}
        expect(status, range).toBe(200)
        expect(body?.toString(), range).toBe(FILES[SCRIPT.slice(1)])
      }
    })
  })

  describe('is kept by browsers as long as it is right', () => {
    it('assets for ever, the page itself until it is asked for again', async () => {
      expect((await get('/')).headers['cache-control']).toBe('no-cache')
      for (const path of addresses()) {
        expect((await get(path)).headers['cache-control']).toBe('public, max-age=31536000, immutable')
      }
    })

    it('and is not sent again where it is the same, whatever its encoding was', async () => {
      for (const path of ['/', ...addresses()]) {
        const first = await get(path, { 'accept-encoding': 'br' })
        const again = await get(path, { 'if-none-match': first.headers.etag! })
        expect(again.status, path).toBe(304)
        expect(again.body).toHaveLength(0)
        // What a 304 has to repeat (RFC 9110 15.4.5).
        for (const name of ['etag', 'cache-control', 'vary']) {
          expect(again.headers[name], `${path} ${name}`).toBe(first.headers[name])
        }
      }
    })

    it('but is sent again after another build, even one of the same size and time', async () => {
      const index = join(dist, 'index.html')
      await utimes(index, 1, 1)
      const before = await get('/')
      const next = HTML.replace('0a_-Zz12', 'another1')
      await writeFile(index, next)
      await utimes(index, 1, 1)
      const after = await get('/', {
        'if-none-match': before.headers.etag!,
        'if-modified-since': before.headers['last-modified']!,
      })
      expect(after.status).toBe(200)
      expect(after.body.toString()).toBe(next)
    })

    it('and nobody remembers that something was not there', async () => {
      expect((await get('/page/index-9.js')).headers['cache-control']).toBe('no-store')
    })
  })

  it('answers HEAD as GET, without the body', async () => {
    for (const path of ['/', ...addresses()]) {
      const headers = { 'accept-encoding': 'gzip' }
      const [got, head] = await Promise.all([get(path, headers), get(path, headers, 'HEAD')])
      expect(head.status, path).toBe(200)
      expect(head.body).toHaveLength(0)
      expect({ ...head.headers, date: '' }, path).toEqual({ ...got.headers, date: '' })
    }
  })

  it('is no answer to anything but GET and HEAD', async () => {
    for (const method of ['POST', 'PUT', 'DELETE', 'OPTIONS', 'PATCH']) {
      for (const path of ['/', SCRIPT]) expect((await get(path, {}, method)).status, method).toBe(404)
    }
  })

  describe('has one address for each of its files', () => {
    const elsewhere = [
      '/index.html',
      '/index',
      '/index.html.br',
      '/page',
      '/page/',
      '/page/index.html',
      `${SCRIPT}.br`,
      `${SCRIPT}.gz`,
      `${SCRIPT}/`,
      SCRIPT.slice(0, -3),
      `/page/${encodeURIComponent('index-0a_-Zz12.js').replace('-', '%2D')}`,
      `/page//index-0a_-Zz12.js`,
      `//page/index-0a_-Zz12.js`,
      '/page/page/index-0a_-Zz12.js',
      '/page/index-1.js',
      '/page/.hidden.js',
    ]
    it.each(elsewhere)('not %s', async (path) => {
      await writeFile(join(dist, 'page/.hidden.js'), 'hidden')
      const { status, headers, body } = await get(path)
      expect(status).toBe(404)
      expect(headers['content-type']).toBe('application/json; charset=utf-8')
      expect(JSON.parse(body.toString())).toMatchObject(NO_SUCH_ADDRESS)
      for (const name of ['content-security-policy', 'etag', 'vary', 'content-encoding']) {
        expect(headers[name], name).toBeUndefined()
      }
      const head = await get(path, {}, 'HEAD')
      expect(head.status).toBe(404)
      expect(head.body).toHaveLength(0)
    })

    const outside = [
      '/page/../index.html',
      '/page/../../src/main.js',
      '/page/../../../package.json',
      '/page/..%2f..%2fsrc%2fmain.js',
      '/page/..%2f..%2f..%2fpackage.json',
      '/page/%2e%2e/%2e%2e/src/main.js',
      '/page/%2e%2e%2f%2e%2e%2fsrc%2fmain.js',
      '/page/..%5c..%5csrc%5cmain.js',
      '/page/%252e%252e%252f%252e%252e%252fsrc%252fmain.js',
      '/page/....//....//src/main.js',
      '/page//etc/passwd',
      '/page/%2fetc%2fpasswd',
      '/page/index-0a_-Zz12.js%00',
      '/page/%c0%ae%c0%ae/src/main.js',
      '/../src/main.js',
      '/..%2fsrc%2fmain.js',
      '/%2e%2e/src/main.js',
    ]
    it.each(outside)('and no way out of its folder by %s', async (path) => {
      const { status, body } = await get(path)
      expect([400, 404]).toContain(status)
      expect(JSON.parse(body.toString())).toMatchObject({ status: 'error' })
    })
  })

  describe('does not take the server down', () => {
    it('where it is built anew meanwhile: what is asked for next is as it is then', async () => {
      await get('/')
      await writeFile(join(dist, 'index.html'), '<p>shorter')
      await rm(join(dist, 'index.html.br'))
      expect((await get('/', { 'accept-encoding': 'br' })).body.toString()).toBe('<p>shorter')
      await rm(join(dist, SCRIPT))
      await rm(join(dist, `${SCRIPT}.br`))
      await rm(join(dist, `${SCRIPT}.gz`))
      expect((await get(SCRIPT)).status).toBe(404)
    })

    it('where a file of it can’t be read', async () => {
      // A socket is there for stat(2), and can't be opened.
      const socket = createServer().listen(join(dist, 'page/socket-1.js'))
      await once(socket, 'listening')
      expect(await ask(server.url, '/page/socket-1.js')).toBeUndefined()
      socket.close()
      expect((await get('/healthz')).status).toBe(200)
    })

    it('nor keeps a file open for somebody who hangs up', async () => {
      for (let time = 0; time < 5; time++) {
        const asked = request(server.url, { path: '/page/logo-1.svg', agent: false }).end()
        const [response] = (await once(asked, 'response')) as [NodeJS.ReadableStream]
        await once(response, 'readable')
        asked.on('error', () => undefined).destroy()
      }
      await expect.poll(() => openFiles(server.pid, 'logo-1.svg'), { timeout: 5000 }).toBe(0)
    })
  })

  describe('where it is not built', () => {
    beforeEach(() => rename(dist, `${dist}.away`))
    afterEach(async () => {
      await rm(dist, { recursive: true, force: true })
      await rename(`${dist}.away`, dist)
    })

    it('says so and how to build it, and everything else works', async () => {
      await server.kill()
      await server.start()
      const { status, headers, body } = await get('/')
      expect(status).toBe(404)
      expect(headers['cache-control']).toBe('no-store')
      const reply = JSON.parse(body.toString()) as { code: string; message: string }
      expect(reply).toMatchObject({ status: 'error', code: 'not-found' })
      expect(reply.message).toContain('npm run build')
      expect((await get(SCRIPT)).status).toBe(404)
      expect((await post(server.url, formBytes({ body: content(1000).bytes }))).reply).toMatchObject({
        status: 'ok',
      })
    })

    it('is there as soon as it is built', async () => {
      expect((await get('/')).status).toBe(404)
      await build(dist)
      expect((await get('/')).body.toString()).toBe(HTML)
    })
  })

  it('has a door of its own in the log', async () => {
    const before = server.output.length
    await get('/')
    await get(SCRIPT)
    await expect.poll(() => server.output.slice(before).match(/door=page status=200/g)).toHaveLength(2)
  })
})

describe('the page as it is built', () => {
  let server: TestServer
  beforeAll(async () => {
    server = await TestServer.start()
  })
  afterAll(() => server.stop())

  it('finds all that it loads below its own address, small for browsers that decompress', async () => {
    const { body } = (await ask(server.url, '/'))!
    const loaded = [...body.toString().matchAll(/(?:src|href)="([^"]+)"/g)].map((match) => match[1]!)
    expect(loaded.length).toBeGreaterThan(0)
    for (const address of loaded) {
      expect(address).toMatch(/^\.\/page\/[\w-]+-[\w-]{8}\.\w+$/)
      for (const encoding of ['br', 'gzip']) {
        const answer = await ask(server.url, address.slice(1), { headers: { 'accept-encoding': encoding } })
        expect(answer?.status, address).toBe(200)
        expect(answer?.headers['content-encoding'], address).toBe(encoding)
      }
    }
  })
})

/** Lays a server as it is installed, without a page, into a folder; its program. */
async function install(dir: string): Promise<string> {
  await cp(join(ROOT, 'dist/src'), join(dir, 'dist/src'), { recursive: true })
  await cp(join(ROOT, 'package.json'), join(dir, 'package.json'))
  await symlink(join(ROOT, 'node_modules'), join(dir, 'node_modules'))
  return join(dir, 'dist/src/main.js')
}

/** Lays out a page as the build does, each file with its .br and .gz. */
async function build(dist: string): Promise<void> {
  await rm(dist, { recursive: true, force: true })
  for (const [name, text] of Object.entries(FILES)) {
    const path = join(dist, name)
    await mkdir(dirname(path), { recursive: true })
    await writeFile(path, text)
    await writeFile(`${path}.br`, compressed(name, 'br'))
    await writeFile(`${path}.gz`, compressed(name, 'gz'))
  }
}

const compressedOnce = new Map<string, Buffer>()

function compressed(name: string, how: 'br' | 'gz'): Buffer {
  const known = compressedOnce.get(`${name}.${how}`)
  if (known) return known
  const bytes = (how === 'br' ? brotliCompressSync : gzipSync)(FILES[name]!)
  compressedOnce.set(`${name}.${how}`, bytes)
  return bytes
}

/** The addresses of the page's assets. */
function addresses(): string[] {
  return Object.keys(FILES)
    .filter((name) => name.startsWith('page/'))
    .map((name) => `/${name}`)
}

/** How many times a process has files of that name open (Linux). */
async function openFiles(pid: number, name: string): Promise<number> {
  const open = await readdir(`/proc/${pid}/fd`)
  const paths = await Promise.all(open.map((fd) => readlink(`/proc/${pid}/fd/${fd}`).catch(() => '')))
  return paths.filter((path) => path.endsWith(name)).length
}

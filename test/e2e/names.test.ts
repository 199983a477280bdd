import { execFileSync } from 'node:child_process'
import { lstat, mkdir, readdir, rename, rm, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { admin } from '../support/admin.js'
import { Canaries } from '../support/canaries.js'
import { ask, filePart, formBytes, post } from '../support/form.js'
import { TestServer } from '../support/server.js'
import { content, md5 as md5Of, tus } from '../support/tus.js'

const MD5 = '0'.repeat(32)
/** What a browser and a file system might take for a folder, for a command, or for the other direction of text. */
const UNSAFE = /[/\\\p{Cc}\p{Bidi_Control}\p{Surrogate}\u2028\u2029]/u

let canaries: Canaries
let before: string[]
let server: TestServer

/** One thread reads and writes files: whatever waited for the other end of a pipe would keep all others waiting. */
const begin = async () => {
  canaries = await Canaries.plant()
  server = await TestServer.start({ dir: canaries.dir, env: { UV_THREADPOOL_SIZE: '1' } })
  before = await canaries.tell()
}
const end = async () => {
  await server.stop()
  await canaries.remove()
}

const TRICKS = [
  '../canary/a.txt',
  '../../canary/a.mp4',
  '..\\..\\canary\\a.txt',
  '....//....//canary/a.txt',
  '..%2f..%2fcanary%2fa.txt',
  '..%252f..%252fcanary%252fa.txt',
  '..\u2215..\u2215canary',
  '/etc/passwd',
  'C:\\canary\\a.txt',
  '\\\\?\\C:\\canary',
  'file:///etc/passwd',
  '.',
  '..',
  '...',
  '.ledger/ledger.db',
  '.lock',
  `tmp_${MD5}`,
  `${MD5}/../../../canary/a.txt`,
  `${MD5}\u0000/../canary`,
  '__proto__',
  '$(touch canary)',
  '`touch canary`',
  '-rf',
  '*',
  '~/canary',
]

/** Where a name may come in: each brings these bytes under it. */
const NAME_DOORS: Record<string, (name: string, bytes: Buffer) => Promise<unknown>> = {
  'the query of a form': (name, bytes) =>
    post(server.url, formBytes({ head: filePart('x'), body: bytes }), { query: { filename: name } }),
  'filename of a part': (name, bytes) =>
    post(server.url, formBytes({ head: filePart(name.replaceAll('"', '%22')), body: bytes })),
  'filename* of a part': (name, bytes) =>
    post(server.url, formBytes({ head: extended(`UTF-8''${encodeURIComponent(name)}`), body: bytes })),
  'the metadata of tus': (name, bytes) => whole(bytes, { filename: name }),
}

/** Where an id, an MD5 or a SHA-256 may come in; they answer with their status. */
const ID_DOORS: Record<string, (id: string) => Promise<number>> = {
  'HEAD of a tus id': (id) => statusOf('HEAD', `/tus/${id}`),
  'PATCH of a tus id': (id) => statusOf('PATCH', `/tus/${id}`),
  'DELETE of a tus id': (id) => statusOf('DELETE', `/tus/${encodeURIComponent(id)}`),
  'HEAD of a tus id, encoded': (id) => statusOf('HEAD', `/tus/${encodeURIComponent(id)}`),
  'a file': (id) => statusOf('GET', `/files/${encodeURIComponent(id)}`),
  'a file’s extension': (id) => statusOf('GET', `/files/${MD5}.${encodeURIComponent(id)}`),
  'a part of the page': (id) => statusOf('GET', `/page/${id}`),
  '/check?md5': (id) => statusOf('GET', `/check?md5=${encodeURIComponent(id)}`),
  '/check?md5s': (id) => statusOf('GET', `/check?md5s=${MD5},${encodeURIComponent(id)}`),
  '/check?upload': (id) => statusOf('POST', `/check?md5=${MD5}&upload=${encodeURIComponent(id)}`),
  '/check?sha256': (id) => statusOf('GET', `/check?md5=${MD5}&sha256=${encodeURIComponent(id)}`),
  '/upload?md5': async (id) =>
    (await post(server.url, formBytes({ body: 'x' }), { query: { md5: id } })).status,
  '/upload?sha256': async (id) =>
    (await post(server.url, formBytes({ body: 'x' }), { query: { sha256: id } })).status,
  'an MD5 in the metadata of tus': async (id) => (await tus.create(server.url, 5, { md5: id })).status,
  'a SHA-256 in the metadata of tus': async (id) => (await tus.create(server.url, 5, { sha256: id })).status,
}

describe('a name that plays tricks', () => {
  beforeAll(begin)
  afterAll(end)
  afterEach(expectOrder)

  it.each(Object.keys(NAME_DOORS))('is a name and no path, in %s', async (door) => {
    for (const name of TRICKS) await expectSafe(await bring(name, door))
  })

  it.each(Object.keys(ID_DOORS))('is no id, in %s', async (door) => {
    for (const id of TRICKS) {
      const status = await ID_DOORS[door]!(id)
      expect([id, status >= 400 && status < 500]).toEqual([id, true])
    }
    expect(await server.inbox()).toEqual([])
  })

  it('is looked for on the shelf only, by the operator’s commands', async () => {
    const { bytes, md5 } = content(100)
    for (const folder of [canaries.folder, join(canaries.dir, 'canary')])
      await writeFile(join(folder, `${md5}.mp4`), bytes)
    before = await canaries.tell()
    for (const [code, ...args] of [
      [3, 'delete', `../canary/${md5}.mp4`],
      [3, 'delete', join(canaries.folder, `${md5}.mp4`)],
      [3, 'stat', `canary/${md5}.mp4`],
      [2, 'delete', '../canary/a.txt'],
      [2, 'delete', `${md5}/..`],
      [2, 'stat', '..'],
      [0, 'list', '--name', '../../canary'],
    ] as const) {
      expect([args, (await admin(server, ...args)).code]).toEqual([args, code])
    }
  })
})

describe('an odd name', () => {
  beforeAll(begin)
  afterAll(end)
  afterEach(expectOrder)

  it.each(Object.keys(NAME_DOORS))('may have any length, in %s', async (door) => {
    for (const length of [254, 255, 256, 4000])
      for (const letter of ['x', 'é'])
        await expectSafe(await bring(`${letter.repeat(length / Buffer.byteLength(letter))}.mp4`, door), 'mp4')
  })

  it('may have any character of Unicode: those that steer are lost, all others come back', async () => {
    const names = [...inNames(allCharacters())]
    const doors = Object.keys(NAME_DOORS)
    const check = async (name: string, at: number): Promise<void> => {
      const md5 = await bring(name, doors[at % doors.length]!)
      const kept = name.replaceAll(new RegExp(UNSAFE, 'gu'), '')
      expect(await expectSafe(md5, 'mp4')).toBe(kept)
    }
    // Eight at a time.
    const rest = names.entries()
    const work = async () => {
      for (const [at, name] of rest) await check(name, at)
    }
    await Promise.all(Array.from({ length: 8 }, work))
    expect(names.length).toBeGreaterThan(500)
  })

  it.each([
    ['CON', 'CON.bin'],
    ['nul.txt', 'nul.txt'],
    ['COM1.mp4', 'COM1.mp4'],
    ['a:b', 'a:b.bin'],
    ['a.txt:stream', 'a.txt:stream.bin'],
    ['a.txt::$DATA', 'a.txt::$DATA.bin'],
    ['dots...', 'dots....bin'],
    ['spaces.txt   ', 'spaces.txt'],
    ['a*b?c<d>e|f.txt', 'a*b?c<d>e|f.txt'],
    ['.htaccess', '.htaccess'],
    ['a.xxxxxxxxxxx', 'a.xxxxxxxxxxx.bin'],
    ['a.\u017Fvg', 'a.\u017Fvg.bin'],
    ['a.M\u212Av', 'a.M\u212Av.bin'],
    ['a.mp4\u0000.html', 'a.mp4.html'],
    ['a.\u202E4pm', 'a.4pm'],
    ['a"; filename="b.exe', 'a"; filename="b.exe'],
    [`a'; filename*=UTF-8''b.exe`, `a'; filename*=UTF-8''b.exe`],
    ['a%2Fb%00%0d%0a.txt', 'a%2Fb%00%0d%0a.txt'],
    ['a\r\nSet-Cookie: a=b\r\n\r\n<b>.txt', 'aSet-Cookie: a=b<b>.txt'],
    ['a;b,c=d.txt', 'a;b,c=d.txt'],
  ])('%j is saved as %j, and no other header comes of it', async (name, saved) => {
    for (const door of ['the query of a form', 'filename* of a part', 'the metadata of tus'])
      expect(await expectSafe(await bring(name, door))).toBe(saved)
  })

  /** Bytes that are no UTF-8: half a character, a slash in two bytes too many, the same in three, GBK, Latin 1. */
  const NO_UTF8 = ['eda080', 'edb080', 'c0af', 'e080af', 'ced2b5c4', 'e9e8', 'ff', 'fe', 'f5808080', '80']

  it.each(NO_UTF8)('may be of bytes that are no UTF-8: %s', async (hex) => {
    const raw = Buffer.from(hex, 'hex')
    const encoded = hex.replaceAll(/../g, '%$&')
    for (const send of [
      (bytes: Buffer) => formTo(`/upload?filename=${encoded}.mp4`, filePart('x'), bytes),
      (bytes: Buffer) => formTo('/upload', filePart(`${raw.toString('latin1')}.mp4`), bytes),
      ...['UTF-8', 'GBK', 'ISO-8859-1', ''].map(
        (charset) => (bytes: Buffer) => formTo('/upload', extended(`${charset}''${encoded}.mp4`), bytes),
      ),
      (bytes: Buffer) =>
        whole(bytes, {}, `filename ${Buffer.concat([raw, Buffer.from('.mp4')]).toString('base64')}`),
    ]) {
      const { bytes, md5 } = content(100)
      await send(bytes)
      await expectSafe(md5)
    }
  })
})

/** What may be planted where the server looks for a file, and must not be followed, waited for or written to. */
const PLANTS: [string, (path: string) => Promise<void>][] = [
  ['a link to a file', (path) => symlink(canaries.file, path)],
  ['a link to a folder', (path) => symlink(canaries.folder, path)],
  ['a link to nowhere', (path) => symlink(join(canaries.folder, 'new'), path)],
  ['a link to itself', (path) => symlink(path, path)],
  [
    'a folder with a file',
    async (path) => {
      await mkdir(path)
      await writeFile(join(path, 'mine'), 'mine')
    },
  ],
  ['a pipe', async (path) => void execFileSync('mkfifo', [path])],
]

describe.each(PLANTS)('%s, planted', (_what, plant) => {
  beforeAll(begin)
  afterAll(end)
  afterEach(expectOrder)

  it.each(['while it runs', 'before it starts'])('on the shelf is in nobody’s way, %s', async (when) => {
    for (const door of ['filename of a part', 'the metadata of tus']) {
      const { bytes, md5 } = content(5000)
      if (when === 'before it starts') await server.terminate()
      await plant(join(server.files, `${md5}.mp4`))
      if (when === 'before it starts') await server.start()
      expect(await (await fetch(`${server.url}/check?md5=${md5}`)).json()).toEqual({ status: 'notfound' })
      await NAME_DOORS[door]!('a.mp4', bytes)
      expect(await expectSafe(md5, 'mp4')).toBe('a.mp4')
    }
  })

  it('on the shelf is not deleted for a content, and not verified', async () => {
    const { md5 } = content(5000)
    const path = join(server.files, `${md5}.mp4`)
    await plant(path)
    expect((await admin(server, 'delete', md5)).code).toBe(3)
    expect((await admin(server, 'verify', '--repair')).code).toBe(0)
    expect((await lstat(path)).isFile()).toBe(false)
    await rm(path, { recursive: true })
  })

  it.each(['while it runs', 'while it is stopped'])(
    'in the place of a part takes no byte, %s: its upload is over or fails, all others work',
    async (when) => {
      for (const begun of [0, 1000]) {
        const file = content(5000)
        const created = await tus.create(server.url, 5000, { md5: file.md5, filename: 'a.mp4' })
        const url = tus.location(server.url, created)
        if (begun > 0) expect((await tus.patch(url, 0, file.bytes.subarray(0, begun))).status).toBe(204)
        const part = join(server.tmp, `tmp_${url.split('/').at(-1)!}`)
        if (when === 'while it is stopped') await server.kill()
        await rename(part, join(server.tmp, 'aside'))
        await plant(part)
        if (when === 'while it is stopped') await server.start()
        const { status } = await tus.patch(url, begun, file.bytes.subarray(begun))
        expect(when === 'while it runs' ? [409, 503] : [404]).toContain(status)
        expect((await tus.patch(url, 0, file.bytes)).ok).toBe(false)
        await tus.terminate(url)
        await rm(part, { recursive: true, force: true })
      }
      const other = content(5000)
      await NAME_DOORS['the metadata of tus']!('b.mp4', other.bytes)
      expect(await expectSafe(other.md5, 'mp4')).toBe('b.mp4')
    },
  )

  it('in the place of the file by which the server tries its disk is not followed and not waited for', async () => {
    await plant(join(server.tmp, '.probe'))
    for (let times = 0; times < 5; times++) expect((await fetch(`${server.url}/readyz`)).status).toBe(503)
    await rm(join(server.tmp, '.probe'), { recursive: true })
    await expect.poll(async () => (await fetch(`${server.url}/readyz`)).status).toBe(200)
  })
})

/** Brings new bytes under a name; their MD5. */
async function bring(name: string, door: string): Promise<string> {
  const { bytes, md5 } = content(100)
  await NAME_DOORS[door]!(name, bytes)
  return md5
}

/** The content is there, under a name that is safe in both of its spellings; returns it. */
async function expectSafe(md5: string, extension?: string): Promise<string> {
  const got = (await ask(server.url, `/files/${md5}`))!
  expect(got.status).toBe(200)
  expect(md5Of(got.body)).toBe(md5)
  expect(got.headers['set-cookie']).toBeUndefined()
  const disposition = got.headers['content-disposition']!
  expect(disposition).toMatch(/^(inline|attachment); [ -~]+$/)
  const { plain, full } = namesIn(disposition)
  for (const name of [plain, full]) {
    expect(name).not.toMatch(UNSAFE)
    expect(name).toMatch(/\.[a-z0-9]{1,10}$/i)
    expect(name.length).toBeLessThan(255)
    if (extension !== undefined) expect(name.endsWith(`.${extension}`)).toBe(true)
  }
  return full
}

/** The two names of a Content-Disposition (RFC 6266), as a browser reads them. */
function namesIn(header: string): { plain: string; full: string } {
  const rest =
    /^\w+; filename=(?:"((?:[^"\\]|\\.)*)"|([\w!#$%&'*+.^`|~-]+))(?:; filename\*=UTF-8''([\w%!#$&+.^`|~-]+))?$/.exec(
      header,
    )
  expect([header, rest !== null]).toEqual([header, true])
  const plain = rest![1]?.replaceAll(/\\(.)/g, '$1') ?? rest![2]!
  return { plain, full: rest![3] === undefined ? plain : decodeURIComponent(rest![3]) }
}

/** Nothing outside is touched, and on the shelf lies nothing but contents. */
async function expectOrder(): Promise<void> {
  expect(await canaries.tell()).toEqual(before)
  const shelf = await readdir(server.files, { withFileTypes: true })
  const others = shelf.filter(
    (entry) => !entry.isFile() || !/^[0-9a-f]{32}\.[a-z0-9]{1,10}$/.test(entry.name),
  )
  // The server's own: its ledger, its lock, and the folder of what was set aside.
  expect(others.map(({ name }) => name).filter((name) => !name.startsWith('.'))).toEqual([])
}

/** Every character of the first plane, and one in sixty-four of the others. */
function* allCharacters(): Generator<string> {
  for (let code = 0; code < 0x110000; code += code < 0x10000 ? 1 : 64)
    if (!'/\\"'.includes(String.fromCodePoint(code)) && (code < 0xd800 || code > 0xdfff))
      yield String.fromCodePoint(code)
}

/** As many of them as a name may have, between two letters, since spaces at the ends are lost. */
function* inNames(characters: Iterable<string>): Generator<string> {
  let name = 'x'
  for (const character of characters) {
    name += character
    if (name.length < 190) continue
    yield `${name}x.mp4`
    name = 'x'
  }
  yield `${name}x.mp4`
}

function extended(value: string): string {
  return `Content-Disposition: form-data; name="file"; filename*=${value}\r\nContent-Type: video/mp4`
}

async function formTo(path: string, head: string, bytes: Buffer): Promise<void> {
  const form = formBytes({ head: 'HEAD', body: bytes })
    .toString('latin1')
    .replace('HEAD', () => head)
  const headers = { 'content-type': 'multipart/form-data; boundary=ferry-test-boundary' }
  expect(
    (await ask(server.url, path, { method: 'POST', headers, body: Buffer.from(form, 'latin1') }))!.status,
  ).toBe(200)
}

/** A small file in one piece, by tus; `raw`: its metadata as they are sent. */
async function whole(bytes: Buffer, claim: Record<string, string>, raw?: string): Promise<void> {
  const headers = {
    'content-type': 'application/offset+octet-stream',
    ...(raw !== undefined && { 'upload-metadata': raw }),
  }
  expect((await tus.create(server.url, bytes.length, claim, { body: bytes, headers })).status).toBe(201)
}

async function statusOf(method: string, path: string): Promise<number> {
  const headers = {
    'tus-resumable': '1.0.0',
    ...(method === 'PATCH' && { 'upload-offset': '0', 'content-type': 'application/offset+octet-stream' }),
  }
  const sent = encodeURI(path).replaceAll('%25', '%')
  return (await ask(server.url, sent, { method, headers }))!.status
}

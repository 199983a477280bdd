import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { sha256 } from '../support/collision.js'
import { ask, FORM_TYPE, filePart, formBytes, post, textPart } from '../support/form.js'
import { pause, TestServer } from '../support/server.js'
import { content, md5, tus } from '../support/tus.js'

describe('a form sent to /upload', () => {
  let server: TestServer
  beforeAll(async () => {
    server = await TestServer.start({ env: { MAX_SIZE: '2MB' } })
  })
  afterAll(() => server.stop())
  afterEach(async () => {
    await expect.poll(() => server.inbox(), { timeout: 5000 }).toEqual([])
  })

  const check = async (hash: string) => (await fetch(`${server.url}/check?md5=${hash}`)).json()
  const link = (hash: string, extension = 'bin') => `${server.url}/files/${hash}.${extension}`
  /** The name that the link's file is offered under. */
  const nameOf = async (hash: string, extension: string) => {
    const response = await fetch(link(hash, extension), { method: 'HEAD' })
    const extended = /filename\*=UTF-8''([^;]+)/i.exec(response.headers.get('content-disposition')!)?.[1]
    return extended ? decodeURIComponent(extended) : response.headers.get('content-disposition')
  }

  describe('gives the file its link', () => {
    it('answers ok with the permanent link, which gives exactly that file', async () => {
      const { bytes, md5: hash } = content(1_000_000)
      const form = new FormData()
      form.set('file', new Blob([bytes]), 'clip.MP4')
      const response = await fetch(`${server.url}/upload?md5=${hash}`, { method: 'POST', body: form })
      expect(response.status).toBe(200)
      expect(response.headers.get('content-type')).toBe('application/json; charset=utf-8')
      expect(await response.json()).toEqual({
        status: 'ok',
        url: link(hash, 'mp4'),
        md5: hash,
        sha256: sha256(bytes),
      })
      expect(md5(await readFile(join(server.files, `${hash}.mp4`)))).toBe(hash)
      const got = await fetch(link(hash, 'mp4'))
      expect(md5(Buffer.from(await got.arrayBuffer()))).toBe(hash)
      expect(await check(hash)).toMatchObject({ status: 'exists', url: link(hash, 'mp4') })
    })

    it('computes the MD5 itself where none is given', async () => {
      const { bytes, md5: hash } = content(10_000)
      expect(await post(server.url, formBytes({ body: bytes }))).toEqual({
        status: 200,
        reply: { status: 'ok', url: link(hash), md5: hash, sha256: sha256(bytes) },
      })
    })

    it('takes the MD5 in upper case', async () => {
      const { bytes, md5: hash } = content(10_000)
      const sent = await post(server.url, formBytes({ body: bytes }), { query: { md5: hash.toUpperCase() } })
      expect(sent.reply).toMatchObject({ status: 'ok', url: link(hash) })
    })

    it('takes an empty file', async () => {
      const empty = md5(Buffer.alloc(0))
      const sent = await post(server.url, formBytes({ head: filePart('empty.txt'), body: '' }))
      expect(sent.reply).toMatchObject({ status: 'ok', url: link(empty, 'txt') })
      expect((await fetch(link(empty, 'txt'))).status).toBe(200)
    })

    it('takes a file that looks like a form, boundary lines and all', async () => {
      const inner = formBytes({ body: 'inner' }).toString().replaceAll('ferry-test', 'ferry-tesT')
      const bytes = Buffer.from(`${inner}\r\n--ferry-test\r\n\r\n--ferry-test-boundar\r\n-`)
      const sent = await post(server.url, formBytes({ body: bytes }))
      expect(sent.reply).toMatchObject({ status: 'ok', md5: md5(bytes) })
    })

    it('takes a form that arrives byte by byte', async () => {
      const { bytes, md5: hash } = content(300)
      const form = formBytes({ head: textPart('note'), body: 'x' }, { body: bytes }, { body: '' })
      const single = [...form].map((byte) => Buffer.from([byte]))
      expect((await post(server.url, single)).reply).toMatchObject({ status: 'ok', md5: hash })
    })

    it('keeps the first name and link of a content that comes again under another one', async () => {
      const { bytes, md5: hash } = content(5000)
      await post(server.url, formBytes({ head: filePart('first.mp4'), body: bytes }))
      const again = await post(server.url, formBytes({ head: filePart('second.mkv'), body: bytes }))
      expect(again).toMatchObject({ status: 200, reply: { url: link(hash, 'mp4') } })
      expect((await server.shelf()).filter((name) => name.startsWith(hash))).toEqual([`${hash}.mp4`])
    })

    it('stores a file once that two forms bring at the same time', async () => {
      const { bytes, md5: hash } = content(1_500_000)
      for (const query of [{}, { md5: hash }] as Record<string, string>[]) {
        const both = await Promise.all([
          post(server.url, formBytes({ head: filePart('one.mp4'), body: bytes }), { query }),
          post(server.url, formBytes({ head: filePart('two.mkv'), body: bytes }), { query }),
        ])
        const states = both.map(({ reply }) => reply['status'])
        expect(both.map(({ status }) => status)).toEqual([200, 200])
        expect(['ok', 'exists']).toContain(states[0])
        expect(['ok', 'exists', 'uploading']).toContain(states[1])
        expect((await server.shelf()).filter((name) => name.startsWith(hash))).toHaveLength(1)
      }
    })

    it('says to one of two forms with the same declared MD5 that the other is at it', async () => {
      const { bytes, md5: hash } = content(1_000_000)
      const form = formBytes({ body: bytes })
      let goOn = () => undefined as void
      const held = new Promise<void>((resolve) => (goOn = resolve))
      async function* slowly() {
        yield form.subarray(0, 500_000)
        await held
        yield form.subarray(500_000)
      }
      const first = post(server.url, slowly(), { query: { md5: hash } })
      await expect.poll(() => check(hash)).toMatchObject({ status: 'uploading' })
      const second = await post(server.url, form, { query: { md5: hash } })
      expect(second).toMatchObject({ status: 200, reply: { status: 'uploading' } })
      goOn()
      expect((await first).reply).toMatchObject({ status: 'ok', url: link(hash) })
      expect((await post(server.url, form, { query: { md5: hash } })).reply).toMatchObject({
        status: 'exists',
      })
    })
  })

  it('says exists where somebody else has brought the file while the form was on its way', async () => {
    const { bytes, md5: hash } = content(5000)
    const form = formBytes({ head: textPart('note'), body: 'x'.repeat(200) }, { body: bytes })
    let goOn = () => undefined as void
    const held = new Promise<void>((resolve) => (goOn = resolve))
    async function* slowly() {
      yield form.subarray(0, 150)
      await held
      yield form.subarray(150)
    }
    const late = post(server.url, slowly(), { query: { md5: hash } })
    await pause(200) // its head is there
    await post(server.url, formBytes({ head: filePart('a.zip'), body: bytes }))
    goOn()
    expect(await late).toEqual({
      status: 200,
      reply: { status: 'exists', url: link(hash, 'zip'), md5: hash, sha256: sha256(bytes) },
    })
  })

  describe('answers before the body where the body is not wanted', () => {
    /** Sends only the head of a request that announces a body, and waits for the answer. */
    const withoutBody = async (query: string, length = 1_000_000) =>
      ask(server.url, `/upload?${query}`, {
        method: 'POST',
        headers: { 'content-type': FORM_TYPE, 'content-length': String(length) },
        body: never(),
      })

    it('says exists, with the link, for what is on the shelf', async () => {
      const { bytes, md5: hash } = content(1000)
      await post(server.url, formBytes({ head: filePart('a.zip'), body: bytes }))
      const answer = await withoutBody(`md5=${hash}`)
      expect(answer?.status).toBe(200)
      expect(JSON.parse(answer!.body.toString())).toEqual({
        status: 'exists',
        url: link(hash, 'zip'),
        md5: hash,
        sha256: sha256(bytes),
      })
    })

    it('says uploading, with what has arrived, while a live upload has that MD5', async () => {
      const { md5: hash } = content(1000)
      const created = await tus.create(server.url, 1000, { md5: hash })
      const answer = await withoutBody(`md5=${hash}`)
      expect(answer?.status).toBe(200)
      expect(Number(answer!.headers['retry-after'])).toBeGreaterThan(0)
      expect(JSON.parse(answer!.body.toString())).toMatchObject({
        status: 'uploading',
        offset: 0,
        size: 1000,
      })
      await tus.terminate(tus.location(server.url, created))
    })

    it('says bad-md5', async () => {
      for (const query of ['md5=xyz', `md5=${'a'.repeat(33)}`, `md5=${'a'.repeat(31)}g`, 'md5=%00']) {
        const answer = await withoutBody(query)
        expect(answer?.status, query).toBe(400)
        expect(JSON.parse(answer!.body.toString())).toMatchObject({ status: 'error', code: 'bad-md5' })
      }
    })

    it('says bad-md5 where the MD5 is given twice', async () => {
      const hash = 'a'.repeat(32)
      expect((await withoutBody(`md5=${hash}&md5=${hash}`))?.status).toBe(400)
    })

    it('says too-large where the announced length leaves no doubt', async () => {
      const answer = await withoutBody('', 50_000_000)
      expect(answer?.status).toBe(413)
      expect(JSON.parse(answer!.body.toString())).toMatchObject({ status: 'error', code: 'too-large' })
    })

    it('says disk-full where the announced length does', async () => {
      const roomy = await TestServer.start()
      const answer = await ask(roomy.url, '/upload', {
        method: 'POST',
        headers: { 'content-type': FORM_TYPE, 'content-length': String(10 ** 15) },
        body: never(),
      })
      await roomy.stop()
      expect(answer?.status).toBe(507)
      expect(JSON.parse(answer!.body.toString())).toMatchObject({ status: 'error', code: 'disk-full' })
    })

    it('says bad-form to what is no form', async () => {
      for (const type of [
        'application/octet-stream',
        'application/x-www-form-urlencoded',
        'multipart/mixed',
      ]) {
        const sent = await post(server.url, Buffer.alloc(1000), { headers: { 'content-type': type } })
        expect(sent, type).toMatchObject({ status: 400, reply: { status: 'error', code: 'bad-form' } })
      }
    })
  })

  describe('is refused, and leaves nothing', () => {
    it('where its bytes have another MD5 than declared', async () => {
      const { bytes, md5: hash } = content(100_000)
      const wrong = 'f'.repeat(32)
      const sent = await post(server.url, formBytes({ body: bytes }), { query: { md5: wrong } })
      expect(sent).toMatchObject({ status: 422, reply: { status: 'error', code: 'md5-mismatch' } })
      expect(sent.reply['message']).toContain(hash)
      for (const either of [hash, wrong]) expect(await check(either)).toEqual({ status: 'notfound' })
      expect(
        (await server.shelf()).filter((name) => name.startsWith(hash) || name.startsWith(wrong)),
      ).toEqual([])
      const right = await post(server.url, formBytes({ body: bytes }), { query: { md5: hash } })
      expect(right.reply).toMatchObject({ status: 'ok' })
    })

    it('where it is larger than MAX_SIZE, announced or not', async () => {
      const { bytes, md5: hash } = content(2 * 1024 * 1024 + 1)
      const form = formBytes({ body: bytes })
      for (const body of [form, [form]]) {
        const sent = await post(server.url, body, { query: { md5: hash } })
        expect(sent).toMatchObject({ status: 413, reply: { status: 'error', code: 'too-large' } })
      }
      expect(await check(hash)).toEqual({ status: 'notfound' })
      const fits = content(2 * 1024 * 1024)
      expect((await post(server.url, formBytes({ body: fits.bytes }))).reply).toMatchObject({ md5: fits.md5 })
    })

    it('where it has no field "file"', async () => {
      const before = await server.shelf()
      const forms = [
        formBytes(),
        formBytes({ head: textPart('other'), body: 'x' }),
        formBytes({ head: filePart('a.mp4', 'attachment'), body: content(50_000).bytes }),
        formBytes({ head: 'Content-Type: text/plain', body: 'x' }),
      ]
      for (const form of forms) {
        const sent = await post(server.url, form)
        expect(sent).toMatchObject({ status: 400, reply: { status: 'error', code: 'missing-field' } })
        expect(sent.reply['message']).toContain('"file"')
      }
      expect(await server.shelf()).toEqual(before)
    })
  })

  describe('may be odd', () => {
    it('with more fields and files around the file: they are passed over', async () => {
      const { bytes, md5: hash } = content(50_000)
      const other = content(300_000)
      const before = (await server.shelf()).length
      const form = formBytes(
        { head: textPart('md5'), body: 'not this one' },
        { head: filePart('other.bin', 'second'), body: other.bytes },
        { head: filePart('real.mp4'), body: bytes },
        { head: filePart('again.mp4'), body: other.bytes },
        { head: textPart('submit'), body: 'send' },
      )
      expect((await post(server.url, form)).reply).toMatchObject({ status: 'ok', url: link(hash, 'mp4') })
      expect(await check(other.md5)).toEqual({ status: 'notfound' })
      expect(await server.shelf()).toHaveLength(before + 1)
    })

    it('with a thousand fields before the file', async () => {
      const { bytes, md5: hash } = content(5000)
      const fields = Array.from({ length: 1000 }, (_, index) => ({
        head: textPart(`field${index}`),
        body: `${index}`,
      }))
      const form = formBytes(...fields, { body: bytes })
      expect((await post(server.url, form)).reply).toMatchObject({ status: 'ok', md5: hash })
    })

    it('with text before the first boundary and after the last', async () => {
      const { bytes, md5: hash } = content(5000)
      const form = Buffer.concat([
        Buffer.from('This is a form.\r\n'),
        formBytes({ body: bytes }),
        Buffer.from('x'.repeat(200_000)),
      ])
      expect((await post(server.url, form)).reply).toMatchObject({ status: 'ok', md5: hash })
    })

    it('with a quoted boundary of the full length that RFC 2046 allows', async () => {
      const { bytes, md5: hash } = content(5000)
      const boundary = "0123456789'()+_,-./:=? abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRST".slice(0, 70)
      const form = Buffer.from(
        formBytes({ body: bytes }).toString('latin1').replaceAll('ferry-test-boundary', boundary),
        'latin1',
      )
      const headers = { 'content-type': `multipart/form-data; charset=utf-8; boundary="${boundary}"` }
      expect((await post(server.url, form, { headers })).reply).toMatchObject({ status: 'ok', md5: hash })
    })

    it('with a part "file" that has no file name: the content is a .bin', async () => {
      const { bytes, md5: hash } = content(5000)
      for (const head of [textPart('file'), `${textPart('file')}\r\nContent-Type: video/mp4`, filePart('')]) {
        expect((await post(server.url, formBytes({ head, body: bytes }))).reply).toMatchObject({
          url: link(hash),
        })
      }
    })
  })

  describe('brings the file’s name', () => {
    const names: [string, string, string, string][] = [
      ['in plain UTF-8', 'filename="我的视频 第1集.mp4"', 'mp4', '我的视频 第1集.mp4'],
      ["in RFC 5987's way", "filename*=UTF-8''%E6%88%91%E7%9A%84.mp4", 'mp4', '我的.mp4'],
      ['in both ways', `filename="x.mp4"; filename*=UTF-8''%E8%A7%86%E9%A2%91.mkv`, 'mkv', '视频.mkv'],
      ['with a folder of Windows', 'filename="C:\\fakepath\\片.avi"', 'avi', '片.avi'],
      ['with folders', 'filename="../../etc/图.png"', 'png', '图.png'],
      ['with an emoji', 'filename="🎬.webm"', 'webm', '🎬.webm'],
    ]
    it.each(names)('%s', async (_how, parameter, extension, name) => {
      const { bytes, md5: hash } = content(1000)
      const head = `Content-Disposition: form-data; name="file"; ${parameter}\r\nContent-Type: video/mp4`
      expect((await post(server.url, formBytes({ head, body: bytes }))).reply).toMatchObject({
        url: link(hash, extension),
      })
      expect(await nameOf(hash, extension)).toBe(name)
    })

    it('and the name in the query wins over it', async () => {
      const { bytes, md5: hash } = content(1000)
      const form = formBytes({ head: filePart('part.bin'), body: bytes })
      const sent = await post(server.url, form, { query: { md5: hash, filename: '问题 & 答案.pdf' } })
      expect(sent.reply).toMatchObject({ url: link(hash, 'pdf') })
      expect(await nameOf(hash, 'pdf')).toBe('问题 & 答案.pdf')
    })

    it('and a very long one keeps its extension and breaks nothing', async () => {
      for (const name of [`${'长'.repeat(400)}.mp4`, `x${'🎬'.repeat(300)}.mp4`, `${'🎬'.repeat(300)}.mp4`]) {
        const { bytes, md5: hash } = content(1000)
        const sent = await post(server.url, formBytes({ body: bytes }), { query: { filename: name } })
        expect(sent.reply).toMatchObject({ url: link(hash, 'mp4') })
        const got = await fetch(link(hash, 'mp4'))
        expect(got.status).toBe(200)
        expect(md5(Buffer.from(await got.arrayBuffer()))).toBe(hash)
      }
    })
  })
})

/** A body that never comes. */
async function* never(): AsyncGenerator<Buffer> {
  await new Promise(() => undefined)
  yield Buffer.alloc(0)
}

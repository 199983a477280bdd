import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ask, filePart, formBytes, post } from '../support/form.js'
import { TestServer } from '../support/server.js'
import { content, md5 } from '../support/tus.js'

const PLAYER = `default-src 'none'; media-src 'self'; img-src 'self'; style-src 'unsafe-inline'`
const PICTURE = `${PLAYER}; object-src 'self'; sandbox`
const TEXT = `default-src 'none'; sandbox`

describe('a link of /files', () => {
  let server: TestServer
  let file: { bytes: Buffer; md5: string }
  let path: string
  beforeAll(async () => {
    server = await TestServer.start()
    file = await store('影片 “一”.mp4', content(200_000).bytes)
    path = `/files/${file.md5}.mp4`
  })
  afterAll(() => server.stop())

  async function store(name: string, bytes: Buffer) {
    const sent = await post(server.url, formBytes({ head: filePart('x'), body: bytes }), {
      query: { filename: name },
    })
    expect(sent.reply).toMatchObject({ status: 'ok' })
    return { bytes, md5: md5(bytes) }
  }
  const get = async (target: string, headers: Record<string, string> = {}, method = 'GET') =>
    (await ask(server.url, target, { method, headers }))!
  /** An error says nothing about the file, and nobody may keep it. */
  const expectNoWordOfTheFile = (headers: Record<string, unknown>) => {
    expect(headers['cache-control'] ?? '').not.toMatch(/public|immutable|max-age/)
    for (const name of ['etag', 'last-modified', 'content-disposition'])
      expect(headers[name], name).toBeUndefined()
  }

  describe('gives the file', () => {
    it('byte for byte, to be kept for ever', async () => {
      const { status, headers, body } = await get(path)
      expect(status).toBe(200)
      expect(md5(body)).toBe(file.md5)
      expect(headers).toMatchObject({
        'content-length': '200000',
        'content-type': 'video/mp4',
        'content-security-policy': PLAYER,
        'x-content-type-options': 'nosniff',
        'accept-ranges': 'bytes',
        'cache-control': 'public, max-age=31536000, immutable',
        etag: `"${file.md5}"`,
      })
    })

    it('under its original name', async () => {
      const disposition = (await get(path)).headers['content-disposition']!
      expect(disposition).toMatch(/^inline; filename="[ -~]+"; filename\*=UTF-8''/)
      expect(decodeURIComponent(disposition.split("UTF-8''")[1]!)).toBe('影片 “一”.mp4')
    })

    it('to HEAD: the same headers and no body', async () => {
      const head = await get(path, {}, 'HEAD')
      const whole = await get(path)
      expect(head.status).toBe(200)
      expect(head.body).toHaveLength(0)
      expect({ ...head.headers, date: '' }).toEqual({ ...whole.headers, date: '' })
    })

    it('whatever the case of its digits and of its extension', async () => {
      const { status, headers, body } = await get(`/files/${file.md5.toUpperCase()}.MP4`)
      expect(status).toBe(200)
      expect(headers['content-type']).toBe('video/mp4')
      expect(md5(body)).toBe(file.md5)
    })

    it('under any extension and none, treated by the extension asked for', async () => {
      const early = await store('no extension', content(5000).bytes)
      for (const [extension, type] of [
        ['bin', 'application/octet-stream'],
        ['mp4', 'video/mp4'],
        ['PDF', 'application/pdf'],
        ['txt', 'text/plain; charset=utf-8'],
      ] as const) {
        const { status, headers, body } = await get(`/files/${early.md5}.${extension}`)
        expect([status, headers['content-type'], md5(body)]).toEqual([200, type, early.md5])
        expect(headers['content-disposition']).toContain(`"no extension.${extension.toLowerCase()}"`)
      }
      const bare = await get(`/files/${file.md5}`)
      expect([bare.status, bare.headers['content-type'], md5(bare.body)]).toEqual([
        200,
        'video/mp4',
        file.md5,
      ])
    })

    it('an empty file, too', async () => {
      const empty = await store('empty.mp4', Buffer.alloc(0))
      const { status, headers, body } = await get(`/files/${empty.md5}.mp4`)
      expect([status, headers['content-length'], body.length]).toEqual([200, '0', 0])
      expect((await get(`/files/${empty.md5}.mp4`, { range: 'bytes=0-' })).status).toBe(416)
    })
  })

  describe('gives a range', () => {
    const ranges: [string, string, number, number][] = [
      ['of the first bytes', 'bytes=0-99', 0, 99],
      ['of one byte', 'bytes=0-0', 0, 0],
      ['from the middle', 'bytes=70000-140000', 70_000, 140_000],
      ['that is open to the end', 'bytes=199000-', 199_000, 199_999],
      ['that is the whole', 'bytes=0-', 0, 199_999],
      ['of the last bytes', 'bytes=-500', 199_500, 199_999],
      ['that reaches beyond the end', 'bytes=199990-300000', 199_990, 199_999],
      ['of more last bytes than there are', 'bytes=-300000', 0, 199_999],
      ['of two that are one', 'bytes=0-100,50-200', 0, 200],
    ]
    it.each(ranges)('%s', async (_which, range, first, last) => {
      const { status, headers, body } = await get(path, { range })
      expect(status).toBe(206)
      expect(headers).toMatchObject({
        'content-range': `bytes ${first}-${last}/200000`,
        'content-length': String(last - first + 1),
        'content-type': 'video/mp4',
        etag: `"${file.md5}"`,
      })
      expect(md5(body)).toBe(md5(file.bytes.subarray(first, last + 1)))
    })

    it('as a length only, to HEAD', async () => {
      const { headers, body } = await get(path, { range: 'bytes=5-9' }, 'HEAD')
      expect([headers['content-length'], body.length]).toEqual(['5', 0])
    })

    it('never in pieces: asked for several, or for nonsense, it gives the whole', async () => {
      for (const range of ['bytes=0-9,100-109', 'bytes=-1,0-0', 'bytes=abc', 'lines=0-5', 'bytes=']) {
        const { status, headers, body } = await get(path, { range })
        expect([status, md5(body)], range).toEqual([200, file.md5])
        expect(headers['content-range']).toBeUndefined()
        expect(headers['content-type']).toBe('video/mp4')
      }
    })

    it('beyond the end: 416 with the size, which nobody keeps', async () => {
      for (const method of ['GET', 'HEAD']) {
        for (const range of ['bytes=200000-', 'bytes=900000-900001', 'bytes=-0']) {
          const { status, headers, body } = await get(path, { range }, method)
          expect([status, headers['content-range'], body.length], range).toEqual([416, 'bytes */200000', 0])
          expect(headers['content-type']).toBeUndefined()
          expectNoWordOfTheFile(headers)
        }
      }
    })

    it('where If-Range knows the content, else the whole', async () => {
      const range = 'bytes=10-19'
      expect((await get(path, { range, 'if-range': `"${file.md5}"` })).status).toBe(206)
      for (const other of [`"${'0'.repeat(32)}"`, 'Thu, 01 Jan 1970 00:00:00 GMT']) {
        const whole = await get(path, { range, 'if-range': other })
        expect([whole.status, md5(whole.body)]).toEqual([200, file.md5])
      }
    })
  })

  describe('saves what is known already', () => {
    it('304 to the ETag, alone or among others', async () => {
      for (const known of [`"${file.md5}"`, `W/"${file.md5}"`, `"x", "${file.md5}"`, '*']) {
        const { status, headers, body } = await get(path, { 'if-none-match': known })
        expect([status, body.length], known).toEqual([304, 0])
        expect(headers['etag']).toBe(`"${file.md5}"`)
        expect(headers['cache-control']).toContain('immutable')
        expect(headers['content-type']).toBeUndefined()
      }
    })

    it('200 to another ETag', async () => {
      expect((await get(path, { 'if-none-match': '"x"' })).status).toBe(200)
    })

    it('412 where somebody insists on another content', async () => {
      const { status, headers } = await get(path, { 'if-match': '"x"' })
      expect(status).toBe(412)
      expectNoWordOfTheFile(headers)
      expect((await get(path, { 'if-match': `"${file.md5}"` })).status).toBe(200)
    })
  })

  describe('is treated by its extension', () => {
    const check = async (extension: string, type: string, disposition: string, csp: string) => {
      const { headers } = await get(`/files/${file.md5}.${extension}`, {}, 'HEAD')
      expect(
        {
          type: headers['content-type'],
          disposition: headers['content-disposition']!.split(';')[0],
          csp: headers['content-security-policy'],
          sniff: headers['x-content-type-options'],
        },
        extension,
      ).toEqual({ type, disposition, csp, sniff: 'nosniff' })
    }

    it('video and audio play', async () => {
      const types = {
        mp4: 'video/mp4',
        m4v: 'video/mp4',
        webm: 'video/webm',
        mkv: 'video/x-matroska',
        mov: 'video/quicktime',
        ogv: 'video/ogg',
        mp3: 'audio/mpeg',
        m4a: 'audio/mp4',
        aac: 'audio/aac',
        ogg: 'audio/ogg',
        oga: 'audio/ogg',
        opus: 'audio/ogg',
        flac: 'audio/flac',
        wav: 'audio/wav',
      }
      for (const [extension, type] of Object.entries(types)) await check(extension, type, 'inline', PLAYER)
    })

    it('pictures and PDFs are shown, in a sandbox', async () => {
      const types = {
        png: 'image/png',
        jpg: 'image/jpeg',
        jpeg: 'image/jpeg',
        gif: 'image/gif',
        webp: 'image/webp',
        avif: 'image/avif',
        bmp: 'image/bmp',
        ico: 'image/x-icon',
        pdf: 'application/pdf',
      }
      for (const [extension, type] of Object.entries(types)) await check(extension, type, 'inline', PICTURE)
    })

    it('texts are shown as plain text, in a sandbox', async () => {
      for (const extension of ['txt', 'md', 'log', 'csv', 'json', 'yaml', 'yml', 'ini'])
        await check(extension, 'text/plain; charset=utf-8', 'inline', TEXT)
    })

    it('all else is saved, and no script type ever comes out', async () => {
      const others =
        'html htm xhtml xht shtml mhtml svg svgz xml xsl rss js mjs cjs css php ts jsx wasm ' +
        'swf jar htc hta exe apk zip gz sh py c vtt m3u8 manifest bin tostring valueof a 0123456789'
      for (const extension of others.split(' '))
        await check(extension, 'application/octet-stream', 'attachment', TEXT)
    })

    it('and the name it is saved under has that extension, not another', async () => {
      const trap = await store('harmless.html', content(100).bytes)
      const { headers } = await get(`/files/${trap.md5}.txt`)
      expect(headers['content-disposition']).toMatch(/^inline; filename="?harmless\.txt"?$/)
    })
  })

  describe('is not there', () => {
    const expectMissing = async (target: string, statuses = [404]) => {
      for (const method of ['GET', 'HEAD']) {
        const { status, headers, body } = await get(target, {}, method)
        expect(statuses, `${method} ${target}`).toContain(status)
        expect(headers['content-type']).toBe('application/json; charset=utf-8')
        expectNoWordOfTheFile(headers)
        if (method === 'HEAD') continue
        const reply = JSON.parse(body.toString()) as Record<string, unknown>
        expect(reply['status']).toBe('error')
        expect(typeof reply['message']).toBe('string')
      }
    }

    it('where nobody has brought it: 404 in JSON, not to be kept', async () => {
      await expectMissing(`/files/${'0'.repeat(32)}.mp4`)
      expect((await get(`/files/${'0'.repeat(32)}.mp4`)).headers['cache-control']).toBe('no-store')
    })

    it('where the name is none', async () => {
      const { md5: hash } = file
      for (const name of [
        '',
        '.',
        'x',
        'x.mp4',
        hash.slice(1),
        `${hash}0.mp4`,
        `${hash}.`,
        `${hash}.mp4.mp4`,
        `${hash}.mp4x012345678`,
        `${hash}.m%20p4`,
        `${hash}.mp4/x`,
        `%20${hash}.mp4`,
        `${hash}.mp4%0a`,
        `${hash}.%E8%A7%86`,
        `${hash}-mp4`,
        `tmp_${hash}`,
      ]) {
        await expectMissing(`/files/${name}`)
      }
    })

    it('where the path plays tricks', async () => {
      const { md5: hash } = file
      for (const target of [
        '/files/..%2f..%2fetc%2fpasswd',
        '/files/%2e%2e/%2e%2e/etc/passwd',
        '/files/../.env',
        '/files/.ledger/ledger.db',
        '/files/.ledger%2fledger.db',
        '/files/%2eledger/ledger.db',
        '/files/.quarantine',
        `/files/.quarantine%2f${hash}.mp4`,
        '/files/.ledger',
        '/files/.ledger/',
        `/files/${hash}.mp4%00`,
        `/files/${hash}.mp4%00.txt`,
        `/files/%00${hash}.mp4`,
        '/files/%00',
        `/files/x%2f..%2f${hash}.mp4`,
        `/files/.%2f${hash}.mp4`,
        `/files/..%5c${hash}.mp4`,
        '/files/%',
        '/files/%ff',
        '/files/%c0%ae%c0%ae/',
        '/files//etc/passwd',
        '/files/%2fetc%2fpasswd',
      ]) {
        await expectMissing(target, [404, 400])
      }
    })
  })
})

import { readFile } from 'node:fs/promises'
import { gzipSync } from 'node:zlib'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { BOUNDARY, FORM_TYPE, filePart, formBytes, post, textPart } from '../support/form.js'
import { head, raw, Raw } from '../support/raw.js'
import { pause, TestServer } from '../support/server.js'
import { content, md5, metadata, tus } from '../support/tus.js'

const KIB = 1024
const HOST = 'Host: 127.0.0.1'
const TUS = 'Tus-Resumable: 1.0.0'
const BYTES = 'Content-Type: application/offset+octet-stream'

describe('broken HTTP', () => {
  let server: TestServer
  beforeAll(async () => (server = await TestServer.start()))
  afterAll(() => server.stop())
  // Whatever came, the server lives, answers everybody else, has nobody's bytes, and none of it was its own fault.
  afterEach(async () => {
    const begun = performance.now()
    expect((await fetch(`${server.url}/check?md5=${md5(Buffer.from('x'))}`)).status).toBe(200)
    expect(performance.now() - begun).toBeLessThan(2000)
    await expect.poll(() => server.inbox(), { timeout: 5000 }).toEqual([])
    expect(server.output).not.toMatch(/status=5\d\d|\[ERROR\]|at .*\.js:\d+/)
    expect(server.runs).toBe(true)
  })
  const json = (text: string) =>
    JSON.parse(text.slice(text.indexOf('\r\n\r\n') + 4)) as Record<string, unknown>

  const both = (length: string) => head('POST /upload HTTP/1.1', HOST, length, 'Transfer-Encoding: chunked')
  it.each([
    ['is no HTTP', 'what is this?\r\n\r\n', 400],
    ['is the beginning of TLS', Buffer.from('16030100c8010000c40303', 'hex'), 400],
    ['has Content-Length and Transfer-Encoding', `${both('Content-Length: 5')}0\r\n\r\n`, 400],
    [
      'has two Content-Lengths',
      head('POST /upload HTTP/1.1', HOST, 'Content-Length: 5', 'Content-Length: 6'),
      400,
    ],
    [
      'has the same Content-Length twice',
      head('POST /upload HTTP/1.1', HOST, 'Content-Length: 5', 'Content-Length: 5'),
      400,
    ],
    ['has a list of Content-Lengths', head('POST /upload HTTP/1.1', HOST, 'Content-Length: 5, 5'), 400],
    ['has a negative Content-Length', head('POST /upload HTTP/1.1', HOST, 'Content-Length: -1'), 400],
    [
      'has a Content-Length that is no number',
      head('POST /upload HTTP/1.1', HOST, 'Content-Length: 0x10'),
      400,
    ],
    [
      'has a Content-Length beyond all numbers',
      head('POST /upload HTTP/1.1', HOST, `Content-Length: ${'9'.repeat(30)}`),
      400,
    ],
    [
      'has an encoding after chunked',
      head('POST /upload HTTP/1.1', HOST, 'Transfer-Encoding: chunked, gzip'),
      400,
    ],
    [
      'has an unknown transfer encoding',
      head('POST /upload HTTP/1.1', HOST, 'Transfer-Encoding: xchunked'),
      400,
    ],
    ['has a space before a colon', head('GET /check HTTP/1.1', HOST, 'Content-Length : 5'), 400],
    ['has a NUL in a header', head('GET /check HTTP/1.1', HOST, 'X: a\0b'), 400],
    ['folds a header', `GET /check HTTP/1.1\r\n${HOST}\r\nX: a\r\n b\r\n\r\n`, 400],
    ['ends its lines with bare CRs', `GET /check HTTP/1.1\r${HOST}\r\r`, 400],
    ['is of a version that is none', head('GET /check HTTP/9.7', HOST), 400],
  ])('says 400 in words to a request that %s', async (_name, bytes, status) => {
    const { statuses, text, isClosed } = await raw(server.port, bytes)
    expect(statuses).toEqual([status])
    expect(isClosed).toBe(true)
    expect(text).toMatch(/^content-type: application\/json/im)
    expect(text).not.toMatch(/node_modules|HPE_/)
  })

  it('says 400 to a request without Host', async () => {
    const { statuses, isClosed } = await raw(server.port, head('GET /check HTTP/1.1'))
    expect([statuses, isClosed]).toEqual([[400], true])
  })

  it('answers bare LFs with 4xx, or not at all', async () => {
    for (const bytes of [
      `GET /check HTTP/1.1\n${HOST}\n\n`,
      `POST /upload HTTP/1.1\r\n${HOST}\nContent-Length: 5\r\n\r\nhello`,
    ]) {
      const { statuses } = await raw(server.port, bytes, 3000)
      expect(statuses.filter((status) => status < 400 || status >= 500)).toEqual([])
    }
  })

  it.each([
    ['in one header', head('GET /check HTTP/1.1', HOST, `X: ${'x'.repeat(100 * KIB)}`)],
    [
      'in thousands of headers',
      head('GET /check HTTP/1.1', HOST, ...Array.from({ length: 5000 }, (_, n) => `X${n}: y`)),
    ],
    ['in the address', head(`GET /check?md5=${'a'.repeat(100 * KIB)} HTTP/1.1`, HOST)],
    [
      'in Upload-Metadata',
      head(
        'POST /tus HTTP/1.1',
        HOST,
        TUS,
        'Upload-Length: 1',
        `Upload-Metadata: ${metadata({ filename: 'x'.repeat(100 * KIB) })}`,
      ),
    ],
  ])('says 431 to a head beyond 16 KiB, %s', async (_name, bytes) => {
    const { statuses, text, isClosed } = await raw(server.port, bytes)
    expect([statuses, isClosed]).toEqual([[431], true])
    expect(json(text)).toMatchObject({ status: 'error', code: 'header-too-large' })
  })

  it('keeps a short name out of long metadata, and no endless client id', async () => {
    const name = `${'x'.repeat(9000)}.mp4`
    const made = await tus.create(server.url, 9, { filename: name })
    expect(made.status).toBe(201)
    await tus.terminate(tus.location(server.url, made))
    const refused = await tus.create(server.url, 9, { client: 'c'.repeat(5000) })
    expect([refused.status, await refused.json()]).toMatchObject([400, { code: 'bad-request' }])
    for (const text of ['%%%', 'md5', 'md5 ***', ',,,,', 'a b c d', `md5 ${'A'.repeat(8000)}`]) {
      const answer = await fetch(`${server.url}/tus`, {
        method: 'POST',
        headers: { 'Tus-Resumable': '1.0.0', 'Upload-Length': '9', 'Upload-Metadata': text },
      })
      if (answer.status === 201) await tus.terminate(tus.location(server.url, answer))
      else expect([text, answer.status]).toEqual([text, 400])
    }
  })

  it.each(['gzip', 'deflate', 'br', 'zstd', 'GZIP', 'identity, gzip', 'x'])(
    'refuses a body that is encoded as %s, before it has come',
    async (encoding) => {
      const created = tus.location(server.url, await tus.create(server.url, 1000))
      const path = new URL(created).pathname
      for (const lines of [
        ['POST /upload HTTP/1.1', `Content-Type: ${FORM_TYPE}`],
        ['POST /tus HTTP/1.1', TUS, 'Upload-Length: 1000', BYTES],
        [`PATCH ${path} HTTP/1.1`, TUS, 'Upload-Offset: 0', BYTES],
      ]) {
        const connection = await Raw.to(server.port)
        connection.send(head(...lines, HOST, `Content-Encoding: ${encoding}`, 'Content-Length: 1000'))
        await expect.poll(() => connection.statuses).toEqual([415])
        expect(json(connection.text)).toMatchObject({ status: 'error', code: 'unsupported-encoding' })
        connection.end()
      }
      await tus.terminate(created)
    },
  )

  it('takes what is encoded as identity, and compressed files as the bytes that they are', async () => {
    const bytes = gzipSync(content(1000).bytes)
    const form = await post(server.url, formBytes({ body: bytes }), {
      headers: { 'content-encoding': 'identity' },
    })
    expect(form).toMatchObject({ status: 200, reply: { md5: md5(bytes) } })
  })

  it('refuses a form of 100,000 parts, and keeps answering others', async () => {
    const parts = Array.from({ length: 100_000 }, () => ({ head: textPart('a'), body: 'x' }))
    const form = formBytes(...parts, { body: 'file' })
    let slowest = 0
    const over = new AbortController()
    const watching = (async () => {
      while (!over.signal.aborted) {
        const begun = performance.now()
        await (await fetch(`${server.url}/check?md5=${md5(Buffer.from('x'))}`)).text()
        slowest = Math.max(slowest, performance.now() - begun)
        await pause(5)
      }
    })()
    expect(await post(server.url, form)).toMatchObject({ status: 400, reply: { code: 'bad-form' } })
    over.abort()
    await watching
    expect(slowest).toBeLessThan(1000)
  })

  it('takes a multipart within a multipart as the bytes that it is', async () => {
    const inner = Buffer.concat([formBytes({ body: 'inner' })])
      .toString()
      .replaceAll(BOUNDARY, 'inner-boundary')
    const type = 'Content-Type: multipart/mixed; boundary=inner-boundary'
    const nested = filePart('a.bin').replace(/Content-Type: .*/, type)
    expect(await post(server.url, formBytes({ head: nested, body: inner }))).toMatchObject({
      status: 200,
      reply: { md5: md5(Buffer.from(inner)) },
    })
    const hollow = { head: `Content-Disposition: form-data; name="a"\r\n${type}`, body: inner }
    expect(await post(server.url, formBytes(hollow))).toMatchObject({
      status: 400,
      reply: { code: 'missing-field' },
    })
  })

  it('refuses a part whose head does not end', async () => {
    const endless = `${filePart('a.bin')}\r\nX: ${'x'.repeat(300 * KIB)}`
    const { status } = await post(server.url, formBytes({ head: endless, body: 'x' }))
    expect([0, 200, 400]).toContain(status)
  })

  it('answers pipelined requests in their order, and a thousand at once', async () => {
    const hash = md5(Buffer.from('x'))
    const mixed = [`GET /check?md5=${hash}`, 'GET /nowhere', 'GET /check?md5=1', 'GET /healthz']
    const sent = mixed.map((line) => head(`${line} HTTP/1.1`, HOST)).join('')
    const connection = (await Raw.to(server.port)).send(sent)
    await expect.poll(() => connection.statuses).toEqual([200, 404, 400, 200])
    connection.end()
    const many = await Raw.to(server.port)
    many.send(head(`GET /check?md5=${hash} HTTP/1.1`, HOST).repeat(1000))
    await expect.poll(() => many.statuses.length, { timeout: 20_000 }).toBe(1000)
    many.end()
  })

  it('reads no second request out of the body of one that it refuses', async () => {
    const smuggled = head('DELETE /tus/0123456789abcdef0123456789abcdef HTTP/1.1', HOST, TUS)
    const first = head(
      'POST /upload HTTP/1.1',
      HOST,
      `Content-Length: ${smuggled.length}`,
      'Content-Encoding: gzip',
    )
    const { statuses } = await raw(server.port, first + smuggled, 3000)
    expect(statuses).toEqual([415])
    const chunked = head('POST /upload HTTP/1.1', HOST, 'Content-Length: 4', 'Transfer-Encoding: chunked')
    expect((await raw(server.port, `${chunked}0\r\n\r\n${smuggled}`, 3000)).statuses).toEqual([400])
  })

  it('ends a request whose chunks are none, in the midst of its upload', async () => {
    const before = head(
      'POST /upload HTTP/1.1',
      HOST,
      `Content-Type: ${FORM_TYPE}`,
      'Transfer-Encoding: chunked',
    )
    for (const chunk of [
      'zz\r\n',
      '-1\r\n',
      'fffffffffffffffff\r\n',
      '5\r\nhelloX',
      `1;${'x'.repeat(20 * KIB)}\r\n`,
    ]) {
      const start = formBytes({ body: 'x' }).subarray(0, 150)
      const { statuses, isClosed } = await raw(
        server.port,
        `${before}${start.length.toString(16)}\r\n${start.toString()}\r\n${chunk}`,
      )
      expect([isClosed, statuses.filter((status) => status < 400 || status > 499)]).toEqual([true, []])
    }
  })

  it('closes, without a word to the wrong protocol, what wants to become something else', async () => {
    for (const lines of [
      ['CONNECT example.org:443 HTTP/1.1', HOST],
      ['PRI * HTTP/2.0'],
      ['GET /check HTTP/1.1', HOST, 'Connection: Upgrade', 'Upgrade: h2c', 'HTTP2-Settings: AAMAAABk'],
      ['POST /upload HTTP/1.1', HOST, 'Expect: something', 'Content-Length: 5'],
      ['TRACE /check HTTP/1.1', HOST],
      ['OPTIONS * HTTP/1.1', HOST],
      ['GET http://elsewhere.example/ HTTP/1.1', HOST],
    ]) {
      const { statuses } = await raw(server.port, head(...lines, 'Connection: close'), 2000)
      expect(statuses.filter((status) => status >= 500)).toEqual([])
    }
  })

  describe('aborted at every byte', () => {
    const file = content(300)
    const claim = `Upload-Metadata: ${metadata({ md5: file.md5, filename: 'a.bin' })}`
    const form = formBytes({ body: file.bytes })
    const length = `Content-Length: ${form.length}`
    const whole = head(
      'POST /tus HTTP/1.1',
      HOST,
      TUS,
      'Upload-Length: 300',
      claim,
      BYTES,
      'Content-Length: 300',
    )
    it.each([
      [
        'a form',
        Buffer.concat([
          Buffer.from(
            head(`POST /upload?md5=${file.md5} HTTP/1.1`, HOST, `Content-Type: ${FORM_TYPE}`, length),
          ),
          form,
        ]),
      ],
      ['a small file in one go', Buffer.concat([Buffer.from(whole), file.bytes])],
    ])('%s leaves nothing', async (_name, request) => {
      for (let from = 0; from < request.length; from += 20) {
        const cuts = Array.from({ length: Math.min(20, request.length - from) }, (_, n) => from + n)
        await Promise.all(
          cuts.map(async (cut) => {
            const connection = await Raw.to(server.port)
            connection.send(request.subarray(0, cut))
            await pause(cut % 3 === 0 ? 0 : 10)
            if (cut % 2 === 0) connection.socket.resetAndDestroy()
            else connection.end()
          }),
        )
      }
      await expect.poll(() => server.inbox(), { timeout: 5000 }).toEqual([])
      expect(await server.shelf()).not.toContain(`${file.md5}.bin`)
      // Nobody has to wait for it either; a lease would last a minute.
      const standing = async () => (await fetch(`${server.url}/check?md5=${file.md5}`)).text()
      await expect.poll(standing, { timeout: 5000 }).toContain('notfound')
    })

    it('a PATCH keeps what came, and no more, and is gone on with', async () => {
      const file = content(300) // of the other one a late request may still be on its way
      const created = await tus.create(server.url, 300, { md5: file.md5, filename: 'b.bin' })
      expect(created.status).toBe(201)
      const url = tus.location(server.url, created)
      let offset = 0
      for (let byte = 0; byte < 299; byte += 7) {
        const patch = head(
          `PATCH ${new URL(url).pathname} HTTP/1.1`,
          HOST,
          TUS,
          BYTES,
          `Upload-Offset: ${offset}`,
          'Content-Length: 5000',
        )
        const connection = (await Raw.to(server.port))
          .send(patch)
          .send(file.bytes.subarray(offset, offset + 7))
        await pause(20)
        if (byte % 2 === 0) connection.socket.resetAndDestroy()
        else connection.end()
        const now = Number((await tus.head(url)).headers.get('upload-offset'))
        expect(now).toBeGreaterThanOrEqual(offset)
        expect(now).toBeLessThanOrEqual(offset + 7)
        offset = now
      }

      expect((await tus.patch(url, offset, file.bytes.subarray(offset))).status).toBe(204)
      const got = await fetch(`${server.url}/files/${file.md5}.bin`)
      expect(md5(Buffer.from(await got.arrayBuffer()))).toBe(file.md5)
    })
  })

  it('does not grow by any of it', async () => {
    const rss = async () =>
      Number(/VmRSS:\s+(\d+)/.exec(await readFile(`/proc/${server.pid}/status`, 'utf8'))![1]) * KIB
    const flood = async () => {
      for (let n = 0; n < 40; n++)
        await Promise.all(
          Array.from({ length: 50 }, (_, k) =>
            raw(
              server.port,
              k % 2 ? 'nonsense\r\n\r\n' : head('GET /x HTTP/1.1', HOST, `X: ${'x'.repeat(20 * KIB)}`),
            ),
          ),
        )
    }
    await flood()
    const before = await rss()
    await flood()
    await flood()
    expect((await rss()) - before).toBeLessThan(60 * KIB * KIB)
  })
})

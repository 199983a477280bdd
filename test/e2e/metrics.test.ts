import { mkdir, readFile, rm } from 'node:fs/promises'
import { connect } from 'node:net'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { ask, filePart, formBytes, FORM_TYPE, post } from '../support/form.js'
import { exposed, scrape } from '../support/metrics.js'
import { TestServer } from '../support/server.js'
import { content, metadata, stockUpload, tus } from '../support/tus.js'

const MIB = 1024 * 1024
const PAGES = ['operations.md', 'operations.zh-CN.md']

/** The rows of a page's table of metrics: the name, and the row in full. */
async function documented(page: string): Promise<Map<string, string>> {
  const text = await readFile(fileURLToPath(new URL(`../../docs/${page}`, import.meta.url)), 'utf8')
  return new Map([...text.matchAll(/^\| `(ferry_[a-z_]+)`.*$/gm)].map(([row, name]) => [name!, row]))
}

describe('the figures at /metrics', () => {
  let server: TestServer
  beforeEach(async () => {
    server = await TestServer.start({ env: { MAX_SIZE: '8MB', SCRUB_DAYS: '0' } })
  })
  afterEach(() => server.stop())

  const uploads = (door: string, outcome: string) =>
    `ferry_uploads_total{door="${door}",outcome="${outcome}"}`
  const open = async (size: number, claim: Record<string, string> = {}) =>
    tus.location(server.url, await tus.create(server.url, size, claim))

  /** Uploads of every kind, by both doors. Returns the bytes that each door has taken. */
  async function uploadEverything(): Promise<{ tus: number; form: number }> {
    const [film, note, other] = [content(3 * MIB), content(1000), content(2000)]
    const wrong = { md5: '0'.repeat(32) }
    await stockUpload(server.url, film.bytes, { metadata: { md5: film.md5 } })
    expect((await tus.create(server.url, film.bytes.length, { md5: film.md5 })).status).toBe(201)
    expect((await tus.patch(await open(2000, wrong), 0, other.bytes)).status).toBe(460)
    const given = await open(10)
    expect((await tus.patch(given, 0, Buffer.from('abc'))).status).toBe(204)
    expect((await tus.patch(given, 7, Buffer.from('abc'))).status).toBe(409)
    expect((await tus.terminate(given)).status).toBe(204)

    expect((await post(server.url, formBytes({ body: note.bytes }))).reply['status']).toBe('ok')
    expect((await post(server.url, formBytes({ body: note.bytes }))).reply['status']).toBe('ok')
    expect((await post(server.url, formBytes({ body: other.bytes }), { query: wrong })).status).toBe(422)
    // Its length stands nowhere, so only the bytes tell that it is too large.
    const endless = [formBytes({ body: Buffer.alloc(9 * MIB) })]
    expect((await post(server.url, endless)).status).toBe(413)
    const half = formBytes({ body: other.bytes }).subarray(0, 1500)
    await breakOff(half)
    return { tus: 3 * MIB + 2000 + 3, form: 1000 + 1000 + 2000 }
  }

  /** Begins a form and hangs up in the middle of its file, once the server has it. */
  async function breakOff(bytes: Buffer): Promise<void> {
    const socket = connect(server.port, '127.0.0.1')
    socket.write(
      `POST /upload HTTP/1.1\r\nHost: localhost\r\nContent-Type: ${FORM_TYPE}\r\nContent-Length: 5000\r\n\r\n`,
    )
    socket.write(bytes)
    await expect.poll(() => server.inbox()).not.toEqual([])
    socket.destroy()
    await expect.poll(() => server.inbox()).toEqual([])
  }

  it('count every upload by its door and how it ended, its bytes and its errors', async () => {
    const taken = await uploadEverything()
    await expect.poll(async () => (await scrape(server.url)).get(uploads('form', 'broken-off'))).toBe(1)
    const figures = await scrape(server.url)
    const ended = [...figures].filter(([name]) => name.startsWith('ferry_uploads_total'))
    expect(Object.fromEntries(ended)).toEqual({
      [uploads('tus', 'stored')]: 1,
      [uploads('tus', 'known')]: 1,
      [uploads('tus', 'mismatch')]: 1,
      [uploads('tus', 'terminated')]: 1,
      [uploads('form', 'stored')]: 1,
      [uploads('form', 'known')]: 1,
      [uploads('form', 'mismatch')]: 1,
      [uploads('form', 'failed')]: 1,
      [uploads('form', 'broken-off')]: 1,
    })
    expect(figures.get('ferry_received_bytes_total{door="tus"}')).toBe(taken.tus)
    // How much of the forms that came to nothing had been taken is chance.
    const byForm = figures.get('ferry_received_bytes_total{door="form"}')
    expect(byForm).toBeGreaterThanOrEqual(taken.form)
    expect(byForm).toBeLessThanOrEqual(taken.form + 9 * MIB + 2000)
    const errors = [...figures].filter(([name]) => name.startsWith('ferry_errors_total'))
    expect(Object.fromEntries(errors)).toEqual({
      'ferry_errors_total{code="md5-mismatch"}': 2,
      'ferry_errors_total{code="too-large"}': 1,
      'ferry_errors_total{code="refused"}': 1,
    })
    expect(figures.get('ferry_shelf_files')).toBe(2)
    expect(figures.get('ferry_shelf_bytes')).toBe(3 * MIB + 1000)
    expect(figures.get('ferry_finish_seconds_count')).toBe(3)
    expect(figures.get('ferry_checkpoint_seconds_count')).toBeGreaterThanOrEqual(1)
    expect(figures.get('ferry_uploads_open')).toBe(0)
    expect(figures.get('ferry_disk_reserved_bytes')).toBe(0)
    expect(figures.get('ferry_disk_free_bytes')).toBeGreaterThan(0)
  })

  it('tell what is arriving, and how much room is promised to it', async () => {
    const url = await open(5 * MIB)
    expect((await tus.patch(url, 0, Buffer.alloc(2 * MIB))).status).toBe(204)
    const figures = await scrape(server.url)
    expect(figures.get('ferry_uploads_open')).toBe(1)
    expect(figures.get('ferry_uploads_live')).toBe(1)
    expect(figures.get('ferry_disk_reserved_bytes')).toBe(3 * MIB)
    await tus.terminate(url)
    expect((await scrape(server.url)).get('ferry_uploads_live')).toBe(0)
  })

  it('count an upload that was given up for its age, and the looks that found it', async () => {
    await server.terminate()
    await server.start({ TMP_TTL_HOURS: '0.001' })
    await open(10)
    await expect
      .poll(async () => (await scrape(server.url)).get(uploads('tus', 'expired')), { timeout: 30_000 })
      .toBe(1)
    expect((await scrape(server.url)).get('ferry_sweeps_total')).toBeGreaterThan(1)
  })

  it('count what is sent to clients, and files that were read again', async () => {
    const file = content(MIB)
    await stockUpload(server.url, file.bytes)
    const before = (await scrape(server.url)).get('ferry_sent_bytes_total')!
    await (await fetch(`${server.url}/files/${file.md5}`)).arrayBuffer()
    await expect
      .poll(async () => (await scrape(server.url)).get('ferry_sent_bytes_total')! - before)
      .toBeGreaterThan(MIB)
    await server.terminate()
    await server.start({ SCRUB_DAYS: '0.0001' })
    await expect
      .poll(async () => (await scrape(server.url)).get('ferry_scrubbed_files_total{result="fine"}') ?? 0, {
        timeout: 20_000,
      })
      .toBeGreaterThan(0)
    expect((await scrape(server.url)).get('ferry_scrubbed_bytes_total')).toBeGreaterThanOrEqual(MIB)
  })

  it.each(PAGES)('all stand in docs/%s with every label that they have, and no others do', async (page) => {
    await uploadEverything()
    const rows = await documented(page)
    const names = [...(await exposed(server.url)).keys()].filter((name) => name.startsWith('ferry_'))
    expect([...rows.keys()].toSorted()).toEqual(names.toSorted())
    for (const sample of (await scrape(server.url)).keys()) {
      const row = rows.get(/^ferry_[a-z_]+(?=\{)/.exec(sample)?.[0] ?? '')
      for (const [, label, value] of sample.matchAll(/(\w+)="([^"]*)"/g)) {
        if (row === undefined || label === 'le') continue
        expect(row).toContain(`\`${label}\``)
        expect(row).toContain(`\`${value}\``)
      }
    }
  })

  it.each(PAGES)('have every code of an error in docs/%s', async (page) => {
    const source = await readFile(fileURLToPath(new URL('../../src/errors.ts', import.meta.url)), 'utf8')
    const codes = [...source.matchAll(/^ {2}\| '([a-z0-9-]+)'$/gm)].map(([, code]) => code!)
    expect(codes.length).toBeGreaterThan(10)
    const row = (await documented(page)).get('ferry_errors_total')
    for (const code of [...codes, 'refused']) expect(row).toContain(`\`${code}\``)
  })
})

describe('the looks at a server’s health', () => {
  let server: TestServer
  beforeEach(async () => {
    server = await TestServer.start()
  })
  afterEach(() => server.stop())

  const look = async (path: string) => {
    const answer = await fetch(server.url + path)
    return { status: answer.status, reply: await answer.json(), cache: answer.headers.get('cache-control') }
  }

  it('say 200 while it takes uploads', async () => {
    const fine = { status: 200, reply: { status: 'ok' }, cache: 'no-store' }
    expect(await look('/healthz')).toEqual(fine)
    expect(await look('/readyz')).toEqual(fine)
  })

  it('tell a full disk by a 503 with the reason at /readyz, while /healthz says that it lives', async () => {
    await server.terminate()
    await server.start({ MIN_FREE: '1000TB' })
    expect((await look('/healthz')).status).toBe(200)
    const { status, reply } = await look('/readyz')
    expect(status).toBe(503)
    expect(reply).toEqual({ status: 'error', reasons: [expect.stringContaining('nearly full')] })
    await expect.poll(() => server.output).toMatch(/ door=health status=503 .* outcome=not-ready/)
    expect([...(await scrape(server.url)).keys()].filter((name) => /ferry_errors_total/.test(name))).toEqual(
      [],
    )
  })

  it('tell an inbox that can not be written', async () => {
    await rm(server.tmp, { recursive: true })
    await expect.poll(async () => (await look('/readyz')).status).toBe(503)
    expect((await look('/readyz')).reply).toMatchObject({ reasons: [expect.any(String)] })
    await mkdir(server.tmp)
    await expect.poll(async () => (await look('/readyz')).status, { timeout: 10_000 }).toBe(200)
  })
})

/** What could hurt whoever reads a log: line breaks, escape codes (C1 among them), changes of direction. */
const ODD = 'a\r\n[INFO] forged\u001b[31m\u009b31m\u202egpj\u2066\u061c\u2028\u0000.exe'
const ALWAYS = ['request', 'from', 'method', 'door', 'in', 'out', 'seconds', 'outcome']

describe.each(['text', 'json'])('the log as %s', (format) => {
  let server: TestServer
  beforeEach(async () => {
    server = await TestServer.start({ env: { LOG_FORMAT: format, SCRUB_DAYS: '0' } })
  })
  afterEach(() => server.stop())

  const lines = () => server.output.split('\n').filter((line) => line !== '')
  /** The fields of all request lines so far. */
  const requests = (): Record<string, unknown>[] =>
    format === 'json'
      ? lines()
          .map((line) => JSON.parse(line) as Record<string, unknown>)
          .filter((fields) => 'request' in fields)
      : lines()
          .filter((line) => line.startsWith('[INFO] Request '))
          .map((line) =>
            Object.fromEntries(
              line
                .slice(15)
                .split(' ')
                .map((pair) => pair.split('=')),
            ),
          )
  /** Waits for so many request lines, and for no more to come. */
  const expectRequests = async (count: number) => {
    await expect.poll(() => requests().length).toBeGreaterThanOrEqual(count)
    // A last request: when its line is there, all others are.
    await fetch(`${server.url}/healthz`)
    await expect.poll(() => requests().length).toBeGreaterThan(count)
    expect(requests()).toHaveLength(count + 1)
    return requests()
  }
  /** Sends exactly these bytes and reads the answer to its end. */
  const send = (head: string, body = '') =>
    new Promise<string>((resolve, reject) => {
      let answer = ''
      const socket = connect(server.port, '127.0.0.1')
      socket.setEncoding('latin1').on('data', (text: string) => (answer += text))
      socket.on('error', reject).on('close', () => resolve(answer))
      const length = `Content-Length: ${Buffer.byteLength(body, 'latin1')}`
      socket.write(`${head}\r\nHost: localhost\r\nConnection: close\r\n${length}\r\n\r\n${body}`, 'latin1')
    })

  it('has one line for each request, with what is needed to follow an upload', async () => {
    const file = content(5000)
    const wrong = '0'.repeat(32)
    await fetch(`${server.url}/check?md5=${file.md5}`)
    const created = await tus.create(server.url, 5000, { md5: file.md5, filename: 'a.bin' })
    const url = tus.location(server.url, created)
    const id = url.slice(-32)
    await tus.head(url)
    await tus.patch(url, 0, file.bytes)
    await tus.create(server.url, 5000, { md5: file.md5 })
    await post(server.url, formBytes({ body: file.bytes }))
    await post(server.url, formBytes({ body: file.bytes }), { query: { md5: wrong } })
    await fetch(`${server.url}/files/${file.md5}.bin`, { headers: { Range: 'bytes=0-9' } })
    await fetch(`${server.url}/files/${file.md5}.bin`, { headers: { Range: 'bytes=9999-' } })
    await fetch(`${server.url}/nowhere`)
    await fetch(`${server.url}/tus`, { method: 'POST' })
    const all = await expectRequests(11)
    for (const line of all) {
      for (const field of ALWAYS) expect(line).toHaveProperty(field)
      expect(line['request']).toMatch(/^[0-9a-f]{8}$/)
      expect(line['from']).toBe('127.0.0.1')
    }
    const told = all.map(({ method, door, status, outcome }) => [method, door, status, outcome].join(' '))
    expect(told).toEqual([
      'GET check 200 notfound',
      'POST tus 201 open',
      'HEAD tus 200 open',
      'PATCH tus 204 finished',
      'POST tus 201 finished',
      'POST form 200 ok',
      'POST form 422 md5-mismatch',
      'GET files 206 ok',
      'GET files 416 refused',
      'GET none 404 not-found',
      'POST tus 412 refused',
      'GET health 200 ok',
    ])
    expect(all[3]).toMatchObject({ upload: id.slice(0, 8), md5: file.md5 })
    expect(Number(all[3]!['in'])).toBeGreaterThan(5000)
    expect(new Set(all.map(({ request }) => request)).size).toBe(12)
  })

  it('tells an answer that was given before the body from a request that broke off', async () => {
    const file = content(5000)
    await stockUpload(server.url, file.bytes)
    await expect.poll(() => requests().at(-1)).toMatchObject({ outcome: 'finished' })
    const before = requests().length
    // Leaves as soon as it has its answer, with most of the body unsent.
    const body = (function* () {
      yield formBytes({ body: file.bytes }).subarray(0, 100)
      // …and the rest never comes.
    })()
    const headers = { 'content-type': FORM_TYPE, 'content-length': '900000' }
    const early = await ask(server.url, `/upload?md5=${file.md5}`, { method: 'POST', headers, body })
    expect(JSON.parse(early!.body.toString())).toMatchObject({ status: 'exists' })
    await expect.poll(() => requests().length).toBe(before + 1)
    expect(requests().at(-1)).toMatchObject({ from: '127.0.0.1', outcome: 'exists', md5: file.md5 })

    const socket = connect(server.port, '127.0.0.1')
    socket.write(
      `POST /upload HTTP/1.1\r\nHost: localhost\r\nContent-Type: ${FORM_TYPE}\r\nContent-Length: 900\r\n\r\n`,
    )
    socket.write(formBytes({ body: file.bytes }).subarray(0, 300))
    await expect.poll(() => server.inbox()).not.toEqual([])
    socket.destroy()
    await expect.poll(() => requests().length).toBe(before + 2)
    expect(requests().at(-1)).toMatchObject({ from: '127.0.0.1', outcome: 'broken-off' })
    expect(requests().at(-1)).not.toHaveProperty('status')
  })

  it('stays one line a request and harmless to a terminal, whatever text clients send', async () => {
    const query = encodeURIComponent(ODD)
    const raw = Buffer.from(ODD)
      .toString('latin1')
      .replaceAll(/[\r\n\0]/g, '') // as bytes in a request's head
    const form = formBytes({ head: filePart(ODD.replaceAll(/[\r\n\0]/g, '')), body: content(100).bytes })
    await fetch(`${server.url}/check?md5=${query}`)
    await fetch(`${server.url}/check?md5=${'0'.repeat(32)}`, {
      headers: { 'Ferry-Client': '\u0085\u009b31m' },
    })
    await fetch(`${server.url}/${query}`)
    await fetch(`${server.url}/files/${query}`)
    await fetch(`${server.url}/upload?md5=${query}`, { method: 'POST', body: 'x' })
    await post(server.url, form)
    await post(server.url, formBytes({ body: content(100).bytes }), { query: { filename: ODD } })
    await stockUpload(server.url, content(100).bytes, { metadata: { filename: ODD, [ODD.slice(4, 9)]: ODD } })
    const stock = requests().length
    await send(`GET /${raw.replaceAll(' ', '')} HTTP/1.1`)
    await send(`POST /tus/${raw.replaceAll(' ', '')} HTTP/1.1`)
    await send(`GET /check HTTP/1.1\r\nFerry-Client: \x9b31m\x85\xe2\x80\xae`)
    const md5 = metadata({ md5: ODD, filename: ODD, client: ODD })
    await send(`POST /tus HTTP/1.1\r\nTus-Resumable: 1.0.0\r\nUpload-Length: 1\r\nUpload-Metadata: ${md5}`)
    await expect.poll(() => requests().length).toBeGreaterThanOrEqual(stock + 1)
    await expectDisk('POST', `/tus/${query}`)
    // oxlint-disable-next-line no-control-regex
    expect(server.output).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f]|\p{Cf}|[\u2028\u2029]/u)
    const begins = format === 'json' ? /^\{.*\}$/ : /^\[(INFO|WARN|ERROR)\] /
    for (const line of lines()) expect(line).toMatch(begins)
    expect(lines().filter((line) => line.startsWith('[INFO] forged'))).toEqual([])
  })

  /** A request that finds the disk full, so that a second line tells the cause. */
  async function expectDisk(method: string, path: string): Promise<void> {
    await server.terminate()
    await server.start({ MIN_FREE: '1000TB' })
    const answer = await send(`${method} ${path} HTTP/1.1\r\nTus-Resumable: 1.0.0\r\nUpload-Length: 1`)
    expect(answer).toMatch(/^HTTP\/1.1 507 /)
    await expect.poll(() => server.output).toMatch(/ERROR|"level":"error"/)
  }

  it('never tells a client’s secret, nor enough of an upload’s id to go on with it', async () => {
    const secret = 'a-secret-of-the-client'
    const file = content(1000)
    const claim = { md5: file.md5, filename: 'a.bin', client: secret }
    const first = tus.location(server.url, await tus.create(server.url, 1000, claim))
    await tus.patch(first, 0, file.bytes.subarray(0, 10))
    const again = tus.location(server.url, await tus.create(server.url, 1000, claim))
    await fetch(`${server.url}/check?md5=${file.md5}`, { headers: { 'Ferry-Client': secret } })
    // A part that can't be opened, so that the error names it.
    const [part] = await server.inbox()
    await rm(join(server.tmp, part!))
    await mkdir(join(server.tmp, part!))
    expect((await tus.patch(again, 10, file.bytes.subarray(10))).status).toBe(503)
    expect((await tus.terminate(again)).status).toBeGreaterThan(0)
    await expect.poll(() => server.output).toMatch(/tmp_[0-9a-f]{8}…/)
    await expectRequests(6)
    for (const untold of [secret, first.slice(-32), again.slice(-32), part!])
      expect(server.output).not.toContain(untold)
    expect(server.output).toContain(again.slice(-32, -24))
  })
})

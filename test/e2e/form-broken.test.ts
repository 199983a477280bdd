import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { connect, type Socket } from 'node:net'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { BOUNDARY, FORM_TYPE, filePart, formBytes, post, textPart } from '../support/form.js'
import { scrape } from '../support/metrics.js'
import { pause, TestServer } from '../support/server.js'
import { content } from '../support/tus.js'

describe('a form that does not arrive as it should', () => {
  let server: TestServer
  beforeAll(async () => {
    server = await TestServer.start({ env: { LEASE_SECONDS: '2' } })
  })
  afterAll(() => server.stop())
  afterEach(async () => {
    await expect.poll(() => server.inbox(), { timeout: 10_000 }).toEqual([])
    const { bytes } = content(1000)
    expect((await post(server.url, formBytes({ body: bytes }))).reply).toMatchObject({ status: 'ok' })
    expect(server.output).not.toMatch(/\[ERROR\]|Error:/)
  })

  const check = async (hash: string) => (await fetch(`${server.url}/check?md5=${hash}`)).json()
  const refused = (code: string) => ({ status: 400, reply: { status: 'error', code } })

  it('is refused and leaves nothing, wherever it was cut', async () => {
    const { bytes, md5: hash } = content(70_000)
    const form = formBytes(
      { head: textPart('note'), body: 'x' },
      { body: bytes },
      { head: textPart('b'), body: 'y' },
    )
    const head = form.indexOf(bytes)
    const cuts = [
      ...Array.from({ length: head + 2 }, (_, index) => index),
      ...[1000, 65_536, bytes.length - 1].map((length) => head + length),
      ...Array.from(
        { length: form.length - head - bytes.length - 4 },
        (_, index) => head + bytes.length + index,
      ),
    ]
    for (const cut of cuts)
      expect(await post(server.url, form.subarray(0, cut)), `${cut}`).toMatchObject(refused('bad-form'))
    expect(await check(hash)).toEqual({ status: 'notfound' })
    expect((await server.shelf()).filter((name) => name.startsWith(hash))).toEqual([])
  })

  it('is refused where no boundary is declared, or a wrong one, or one that is too long', async () => {
    const form = formBytes({ body: content(100_000).bytes })
    const types = [
      'multipart/form-data',
      'multipart/form-data; boundary=',
      'multipart/form-data; boundary=""',
      'multipart/form-data; boundary=another',
      `multipart/form-data; boundary=${BOUNDARY}x`,
      `multipart/form-data; boundary=${'x'.repeat(300)}`,
      'multipart/form-data boundary=x',
      'multipart',
      '',
    ]
    for (const type of types) {
      const sent = await post(server.url, form, { headers: { 'content-type': type } })
      expect(sent, type).toMatchObject(refused('bad-form'))
    }
  })

  it('is taken whole or refused, whatever is changed in it', async () => {
    const { bytes } = content(3000)
    const form = formBytes({ head: textPart('note'), body: 'x' }, { head: filePart('图.mp4'), body: bytes })
    for (let round = 0; round < 300; round++) {
      const sent = await post(server.url, disturbed(form, round))
      expect(sent.status === 200 ? 'ok' : 'error', `round ${round}`).toBe(sent.reply['status'])
      expect([200, 400], `round ${round}`).toContain(sent.status)
    }
    for (const name of await server.shelf()) {
      const stored = createHash('md5')
        .update(await readFile(join(server.files, name)))
        .digest('hex')
      expect(name.slice(0, 32)).toBe(stored)
    }
  })

  it('leaves nothing where its sender disconnects in the middle', async () => {
    const { bytes, md5: hash } = content(3_000_000)
    const form = formBytes({ body: bytes })
    for (const part of [10, 100, 200_000, 2_999_000]) {
      const socket = await open(`md5=${hash}`, form.length)
      socket.write(form.subarray(0, part))
      if (part > 1000) await expect.poll(() => check(hash)).toMatchObject({ status: 'uploading' })
      socket.resetAndDestroy()
      await expect.poll(() => check(hash)).toEqual({ status: 'notfound' })
      await expect.poll(() => server.inbox()).toEqual([])
    }
    expect((await post(server.url, form, { query: { md5: hash } })).reply).toMatchObject({ status: 'ok' })
  })

  it('leaves nothing where its sender says goodbye too early', async () => {
    const { bytes, md5: hash } = content(300_000)
    const form = formBytes({ body: bytes })
    const socket = await open(`md5=${hash}`, form.length)
    socket.end(form.subarray(0, 200_000))
    await closed(socket)
    await expect.poll(() => server.inbox()).toEqual([])
    expect(await check(hash)).toEqual({ status: 'notfound' })
  })

  it('ends where its sender hangs up before all that he has sent was read', async () => {
    const ended = async () =>
      [...(await scrape(server.url))]
        .filter(([name]) => name.startsWith('ferry_uploads_total{door="form"'))
        .reduce((sum, [, count]) => sum + count, 0)
    for (const size of [60_000, 90_000, 120_000, 200_000]) {
      const before = await ended()
      const form = formBytes({ body: content(size).bytes })
      const socket = await open('', form.length)
      await new Promise((resolve) => void socket.write(form, resolve))
      socket.destroy()
      await expect.poll(ended, { message: `${size}`, timeout: 10_000 }).toBe(before + 1)
    }
  })

  it('is taken from a sender that is slow, however long it takes, as long as it keeps moving', async () => {
    const { bytes, md5: hash } = content(50_000)
    const form = formBytes({ body: bytes })
    async function* dripping() {
      for (let at = 0; at < form.length; at += 5000) {
        yield form.subarray(at, at + 5000)
        await pause(500) // eleven times: more than twice the lease
      }
    }
    const sent = await post(server.url, dripping(), { query: { md5: hash } })
    expect(sent).toMatchObject({ status: 200, reply: { status: 'ok', md5: hash } })
  })

  it('is cut where its sender falls silent for a lease, and then nobody has to wait for it', async () => {
    const { bytes, md5: hash } = content(300_000)
    const form = formBytes({ body: bytes })
    const socket = await open(`md5=${hash}`, form.length)
    socket.write(form.subarray(0, 200_000))
    await expect.poll(() => check(hash)).toMatchObject({ status: 'uploading' })
    await closed(socket)
    await expect.poll(() => server.inbox()).toEqual([])
    expect((await post(server.url, form, { query: { md5: hash } })).reply).toMatchObject({ status: 'ok' })
  })

  it('does not keep the server from stopping, and is gone after the next start', async () => {
    const { bytes, md5: hash } = content(300_000)
    const form = formBytes({ body: bytes })
    const socket = await open(`md5=${hash}`, form.length)
    socket.write(form.subarray(0, 200_000))
    await expect.poll(() => check(hash)).toMatchObject({ status: 'uploading' })
    const gone = closed(socket)
    expect(await server.terminate()).toBe(0)
    await gone
    await server.start()
    await expect.poll(() => server.inbox(), { timeout: 5000 }).toEqual([])
    expect(await check(hash)).toEqual({ status: 'notfound' })
  })

  /** A connection on which the head of a form has been sent. */
  async function open(query: string, length: number): Promise<Socket> {
    const socket = connect(server.port, '127.0.0.1')
    socket.on('error', () => undefined)
    await once(socket, 'connect')
    socket.write(
      `POST /upload?${query} HTTP/1.1\r\nHost: localhost\r\nContent-Type: ${FORM_TYPE}\r\nContent-Length: ${length}\r\n\r\n`,
    )
    return socket
  }
})

/** Resolves when the other side has ended the connection. */
async function closed(socket: Socket): Promise<void> {
  socket.resume()
  if (!socket.closed) await new Promise((resolve) => void socket.once('close', resolve))
}

/** The form with some bytes changed, removed, doubled or put in; the same for the same number. */
function disturbed(form: Buffer, seed: number): Buffer {
  const next = numbers(seed)
  const head = form.length - 3000
  // Nine of ten disturbances hit the lines around the content, where they hurt.
  const place = () =>
    next(10) === 0 ? next(form.length) : next(head / 2) + (next(4) === 0 ? form.length - head / 2 : 0)
  let bytes = Buffer.from(form)
  for (let count = 1 + next(3); count > 0; count--) {
    const at = place()
    const token = Buffer.from(
      ['\r\n', '--', '\r\n\r\n', '"', ';', ':', '\0', BOUNDARY, '\r', `\r\n--${BOUNDARY}--`][next(10)]!,
    )
    const kept = [next(8), next(20), 0][next(3)]!
    bytes = Buffer.concat([
      bytes.subarray(0, at),
      token.subarray(0, next(3) * 100),
      bytes.subarray(at + kept),
    ])
  }
  return bytes
}

/** A row of numbers from 0 to below a limit, the same for the same seed (mulberry32). */
function numbers(seed: number): (below: number) => number {
  let state = seed * 7919 + 1
  return (below) => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * below)
  }
}

import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { ClientHome, type Outcome } from '../support/client.js'
import { formBytes, post } from '../support/form.js'
import { pause, TestServer } from '../support/server.js'
import { content, md5, offsetOf, stockUpload, tus } from '../support/tus.js'

const KIB = 1024
/** A lease of two seconds costs 2 KiB. */
const SHORT = { LEASE_SECONDS: '2', MIN_RATE: '1KiB' }

describe('who claims and does not send', () => {
  let server: TestServer
  afterEach(() => server.stop())
  const begin = async (env: Record<string, string> = SHORT) => (server = await TestServer.start({ env }))
  const standing = async (hash: string) => {
    const answer = await fetch(`${server.url}/check?md5=${hash}`)
    return ((await answer.json()) as { status: string }).status
  }

  it('holds nobody up who asks again and again: claims are lent one lease', async () => {
    await begin()
    const file = content(100 * KIB)
    const claim = (n: number) => ({ md5: file.md5, client: `squatter ${n}` })
    expect((await tus.create(server.url, 100 * KIB, claim(0))).status).toBe(201)
    expect(await standing(file.md5)).toBe('uploading')
    const [lent, until] = [performance.now() + 2200, performance.now() + 6000]
    const later = new Set<string>()
    for (let n = 1; performance.now() < until; n++) {
      // As its own client again, as another, of another size, and after an end of its own will.
      const size = n % 3 === 0 ? 200 * KIB : 100 * KIB
      const answer = await tus.create(server.url, size, claim(n % 2))
      if (answer.status === 201 && n % 5 === 0) await tus.terminate(tus.location(server.url, answer))
      await pause(50)
      const isOver = performance.now() > lent
      const status = await standing(file.md5)
      if (isOver) later.add(status)
    }
    expect([...later]).toEqual(['notfound'])
    const honest = await stockUpload(server.url, file.bytes, { metadata: { md5: file.md5 } })
    expect(honest.location).toContain(file.md5)
  })

  it('holds nobody up by declaring the MD5 of one upload after the other', async () => {
    await begin()
    const file = content(100 * KIB)
    const create = async () => tus.location(server.url, await tus.create(server.url, 100 * KIB))
    const bind = async (url: string) => {
      const query = `md5=${file.md5}&upload=${url.split('/').at(-1)}`
      return (await fetch(`${server.url}/check?${query}`, { method: 'POST' })).json()
    }
    const first = await create()
    for (let n = 0; n < 5; n++) {
      expect(await bind(first)).toMatchObject({ bound: true })
      await pause(450)
    }
    expect(await standing(file.md5)).toBe('notfound')
    for (let n = 0; n < 5; n++) {
      expect(await bind(n % 2 ? first : await create())).toMatchObject({ bound: true })
      expect(await standing(file.md5)).toBe('notfound')
    }
  })

  it('is not live by trickling: others take over, or begin their own, and a wait for it ends', async () => {
    await begin()
    const file = content(200 * KIB)
    const { head, socket } = await trickler(server, file.bytes, { md5: file.md5 })
    const trickle = setInterval(() => socket.write('x'), 100)
    const asked = performance.now()
    expect(await standing(file.md5)).toBe('uploading')
    const waited = await fetch(`${server.url}/check?md5=${file.md5}&wait=30`)
    expect(await waited.json()).toEqual({ status: 'notfound' })
    expect(performance.now() - asked).toBeLessThan(5000)
    // It goes on, nevertheless.
    const before = await offsetOf(head)
    await pause(1500)
    expect(await offsetOf(head)).toBeGreaterThan(before)
    const form = await post(server.url, formBytes({ body: file.bytes }), { query: { md5: file.md5 } })
    expect(form).toMatchObject({ status: 200, reply: { status: 'ok', md5: file.md5 } })
    clearInterval(trickle)
    socket.destroy()
  })

  it('is live as long as it sends at the least rate', async () => {
    await begin()
    const file = content(200 * KIB)
    const { socket } = await trickler(server, file.bytes, { md5: file.md5 })
    let sent = 0
    for (let n = 0; n < 50; n++) {
      socket.write(file.bytes.subarray(sent, (sent += 300)))
      await pause(100)
      expect(await standing(file.md5)).toBe('uploading')
    }
    socket.destroy()
  })

  it('keeps no room on the disk for longer than a lease', async () => {
    await begin({ ...SHORT, MIN_FREE: '1MB' })
    const reserved = async () =>
      Number(
        /^ferry_disk_reserved_bytes (\d+)/m.exec(await (await fetch(`${server.url}/metrics`)).text())![1],
      )
    await tus.create(server.url, 50 * KIB * KIB)
    expect(await reserved()).toBe(50 * KIB * KIB)
    await expect.poll(reserved, { timeout: 5000 }).toBe(0)
  })
})

describe('a wrong beginning left for take-over', () => {
  it('costs the honest sender one try: the real client starts from 0 by itself, with bytes of its own', async () => {
    const server = await TestServer.start({ env: SHORT })
    const home = await ClientHome.create()
    const file = content(3 * KIB * KIB)
    const path = await home.write('film.mp4', file.bytes)
    const poison = async () => {
      const created = await tus.create(server.url, file.bytes.length, { md5: file.md5 })
      if (created.status !== 201) return created.status
      const url = tus.location(server.url, created)
      const answer = await tus.patch(url, 0, Buffer.alloc(KIB * KIB, 7)).catch(() => undefined)
      return answer?.status
    }
    expect(await poison()).toBe(204)
    await expect
      .poll(async () => (await fetch(`${server.url}/check?md5=${file.md5}`)).text(), {
        timeout: 6000,
      })
      .toContain('notfound')
    const parts = await server.inbox()
    const run = home.start(['upload', '-s', server.address, '--limit-rate', '1MB', path], {
      FERRY_LANG: 'en',
    })
    // The attacker comes back the moment that its bytes are thrown away.
    const ended = new AbortController()
    const attacks: (number | undefined)[] = []
    const attacking = (async () => {
      while (!ended.signal.aborted) {
        if (!(await server.inbox()).includes(parts[0]!)) attacks.push(await poison())
        await pause(5)
      }
    })()
    const outcome: Outcome = await run.outcome
    ended.abort()
    await attacking
    expect(outcome.code).toBe(0)
    expect(attacks.length).toBeGreaterThan(0)
    await server.logged()
    const mismatches = server.output.split('\n').filter((line) => line.includes('outcome=md5-mismatch'))
    expect(mismatches).toHaveLength(1)
    const got = await fetch(`${server.url}/files/${file.md5}.mp4`)
    expect(md5(Buffer.from(await got.arrayBuffer()))).toBe(file.md5)
    await home.remove()
    await server.stop()
  })
})

describe('uploads that are only opened', () => {
  let server: TestServer
  afterEach(() => server.stop())
  const begin = async (env: Record<string, string>) => (server = await TestServer.start({ env }))

  it('are limited for each address and in all, with 429, words and a time to come again', async () => {
    await begin({ MAX_OPEN_UPLOADS_PER_ADDRESS: '3', MAX_OPEN_UPLOADS: '5' })
    const statuses: number[] = []
    for (let n = 0; n < 4; n++) statuses.push((await tus.create(server.url, 1000)).status)
    expect(statuses).toEqual([201, 201, 201, 429])
    const refused = await tus.create(server.url, 1000)
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0)
    expect(refused.headers.get('content-type')).toContain('application/json')
    expect(await refused.json()).toMatchObject({ status: 'error', code: 'too-many' })
    const form = await post(server.url, formBytes({ body: 'x' }))
    expect(form).toMatchObject({ status: 429, reply: { code: 'too-many' } })
    expect(await Promise.all([1, 2, 3].map(() => createFrom('127.0.0.2', server)))).toEqual([201, 201, 429])
    expect(await server.inbox()).toHaveLength(5)
  })

  it('give their places to others once their senders are gone and have brought next to nothing', async () => {
    await begin({ ...SHORT, MAX_OPEN_UPLOADS: '3' })
    const much = content(300 * KIB)
    const kept = tus.location(server.url, await tus.create(server.url, 400 * KIB))
    expect((await tus.patch(kept, 0, much.bytes)).status).toBe(204)
    for (let n = 0; n < 2; n++) expect((await tus.create(server.url, 1000)).status).toBe(201)
    expect((await tus.create(server.url, 1000)).status).toBe(429)
    await pause(2100)
    for (let n = 0; n < 2; n++) expect((await tus.create(server.url, 1000)).status).toBe(201)
    expect((await tus.create(server.url, 1000)).status).toBe(429)
    expect(await offsetOf(kept)).toBe(300 * KIB)
    await expect.poll(() => server.inbox()).toHaveLength(3)
  })

  it('are limited in a minute; small files that come whole count too, and the real client waits and goes on', async () => {
    await begin({ MAX_CREATIONS_PER_MINUTE: '60' })
    const home = await ClientHome.create()
    const paths = await Promise.all(
      Array.from({ length: 64 }, (_, n) => home.write(`f${n}.bin`, content(100).bytes)),
    )
    const begun = performance.now()
    const outcome = await home.run(['upload', '-s', server.address, ...paths], { FERRY_LANG: 'en' })
    expect(outcome.code).toBe(0)
    expect(await server.shelf()).toHaveLength(64)
    expect(performance.now() - begun).toBeGreaterThan(2000)
    await server.logged()
    expect(server.output).toContain('outcome=too-many')
    await home.remove()
  })

  it('are refused to a stock client in words, and one that is told to retry goes on', async () => {
    await begin({ MAX_CREATIONS_PER_MINUTE: '30' })
    const create = async () => (await tus.create(server.url, 1000)).status
    while ((await create()) !== 429);
    const { bytes } = content(1000)
    await expect(stockUpload(server.url, bytes)).rejects.toThrow(/too-many/)
    while ((await create()) !== 429);
    const retried = await stockUpload(server.url, bytes, {
      retryDelays: [1000, 1000, 2000, 2000],
      onShouldRetry: (error) => 'originalResponse' in error && error.originalResponse?.getStatus() === 429,
    })
    expect(retried.location).toContain(md5(bytes))
  })
})

/** A tus creation from another address of this machine. */
async function createFrom(localAddress: string, { port }: TestServer): Promise<number> {
  const socket = connect({ port, host: '127.0.0.1', localAddress })
  socket.write(
    `POST /tus HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nTus-Resumable: 1.0.0\r\nUpload-Length: 9\r\nContent-Length: 0\r\nConnection: close\r\n\r\n`,
  )
  const [answer] = (await once(socket, 'data')) as [Buffer]
  socket.destroy()
  return Number(answer.toString().split(' ')[1])
}

/** An upload with an open PATCH, to whose body the test adds what it likes. */
async function trickler(
  { url, port }: TestServer,
  bytes: Buffer,
  claim: Record<string, string>,
): Promise<{ head: string; socket: Socket }> {
  const head = tus.location(url, await tus.create(url, bytes.length, claim))
  const socket = connect(port, '127.0.0.1').on('error', () => undefined)
  socket.write(
    `PATCH ${new URL(head).pathname} HTTP/1.1\r\nHost: 127.0.0.1\r\nTus-Resumable: 1.0.0\r\nUpload-Offset: 0\r\n` +
      `Content-Type: application/offset+octet-stream\r\nContent-Length: ${bytes.length}\r\n\r\n`,
  )
  return { head, socket }
}

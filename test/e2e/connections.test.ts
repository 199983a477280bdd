import { afterEach, describe, expect, it } from 'vitest'
import { besiege } from '../siege/siege.js'
import { ClientHome } from '../support/client.js'
import { head, Raw } from '../support/raw.js'
import { pause, TestServer } from '../support/server.js'
import { content, md5, stockUpload, tus } from '../support/tus.js'

const KIB = 1024

describe('connections', () => {
  let server: TestServer
  const held: Raw[] = []
  afterEach(async () => {
    for (const raw of held.splice(0)) raw.end()
    await server.stop()
  })
  const begin = async (env: Record<string, string>) => (server = await TestServer.start({ env }))
  const hold = async (count: number, from?: string) => {
    const all = await Promise.all(Array.from({ length: count }, () => Raw.to(server.port, from)))
    held.push(...all)
    return all
  }
  const check = head(`GET /check?md5=${'a'.repeat(32)} HTTP/1.1`, 'Host: 127.0.0.1')

  it('of one address are limited: one more is told why and when to come again, and others notice nothing', async () => {
    await begin({ MAX_CONNECTIONS_PER_ADDRESS: '10' })
    await hold(10, '127.0.0.2')
    const refused = await (await Raw.to(server.port, '127.0.0.2')).send(check).closed()
    expect([refused.statuses, refused.isClosed]).toEqual([[503], true])
    expect(refused.text).toMatch(/^retry-after: \d+\r$/im)
    expect(JSON.parse(refused.text.split('\r\n\r\n')[1]!)).toMatchObject({
      status: 'error',
      code: 'too-many-connections',
    })
    expect((await fetch(`${server.url}/healthz`)).status).toBe(200)
    held.pop()!.end()
    await expect
      .poll(async () =>
        (await Raw.to(server.port, '127.0.0.2'))
          .send(check)
          .closed(300)
          .then(({ statuses }) => statuses),
      )
      .toEqual([200])
    expect(await (await fetch(`${server.url}/metrics`)).text()).toMatch(
      /^ferry_errors_total\{code="too-many-connections"\} [1-9]/m,
    )
  })

  it('of a trusted proxy are those of many, and not limited as those of one', async () => {
    await begin({ MAX_CONNECTIONS_PER_ADDRESS: '10', TRUST_PROXY: '127.0.0.2' })
    await hold(20, '127.0.0.2')
    const more = await (await Raw.to(server.port, '127.0.0.2')).send(check).closed(500)
    expect(more.statuses).toEqual([200])
  })

  it('are limited in all', async () => {
    await begin({ MAX_CONNECTIONS: '30' })
    for (const from of ['127.0.0.2', '127.0.0.3', '127.0.0.4']) await hold(10, from)
    const refused = await (await Raw.to(server.port)).send(check).closed()
    expect(refused.statuses).toEqual([503])
    for (const raw of held.splice(0)) raw.end()
    await expect.poll(async () => (await fetch(`${server.url}/healthz`)).status).toBe(200)
  })

  it('beyond the limit cost next to nothing: thousands are turned away while others are answered', async () => {
    await begin({ MAX_CONNECTIONS_PER_ADDRESS: '10' })
    await hold(10, '127.0.0.2')
    let slowest = 0
    for (let n = 0; n < 20; n++) {
      await hold(100, '127.0.0.2')
      const begun = performance.now()
      expect((await fetch(`${server.url}/healthz`)).status).toBe(200)
      slowest = Math.max(slowest, performance.now() - begun)
    }
    expect(slowest).toBeLessThan(1000)
    await expect.poll(() => held.filter(({ isClosed }) => isClosed).length, { timeout: 10_000 }).toBe(2000)
  })

  it('that are refused are no end: the real client and a stock one come again', async () => {
    await begin({ MAX_CONNECTIONS_PER_ADDRESS: '10' })
    await hold(10, '127.0.0.1')
    const home = await ClientHome.create()
    const [mine, theirs] = [content(300 * KIB), content(300 * KIB)]
    const path = await home.write('a.bin', mine.bytes)
    const real = home.run(['upload', '-s', server.address, path], { FERRY_LANG: 'en' })
    const stock = stockUpload(server.url, theirs.bytes, { retryDelays: [500, 1000, 2000, 3000, 5000] })
    await expect.poll(() => held.every(({ isClosed }) => !isClosed)).toBe(true)
    await pause(1500)
    for (const raw of held.splice(0)) raw.end()
    expect((await real).code).toBe(0)
    expect((await stock).location).toContain(md5(theirs.bytes))
    await home.remove()
  })

  it('without a whole head are closed in time, however slowly that comes', async () => {
    await begin({})
    const [silent, half, slow, kept] = (await hold(4)) as [Raw, Raw, Raw, Raw]
    half.send('GET /check HTTP/1.1\r\nHost: 127.0.0.1\r\n')
    kept.send(check)
    slow.send('GET /check HTTP/1.1\r\nHost: 127.0.0.1\r\nX: ')
    const drip = setInterval(() => slow.send('x'), 500)
    const begun = performance.now()
    const answers = await Promise.all([silent, half, slow, kept].map((raw) => raw.closed(40_000)))
    clearInterval(drip)
    expect(performance.now() - begun).toBeLessThan(32_000)
    expect(answers.map(({ isClosed }) => isClosed)).toEqual([true, true, true, true])
    expect(answers.map(({ statuses }) => statuses)).toEqual([[408], [408], [408], [200]])
    expect(answers[1]!.text).toContain('too-slow')
  })

  it('on which a body falls silent are closed after a lease, and what came is kept', async () => {
    await begin({ LEASE_SECONDS: '2' })
    const url = tus.location(server.url, await tus.create(server.url, 1000))
    const lines = ['Host: 127.0.0.1', 'Content-Length: 1000']
    const [patch, form, whole] = (await hold(3)) as [Raw, Raw, Raw]
    const body = 'Content-Type: application/offset+octet-stream'
    patch
      .send(
        head(
          `PATCH ${new URL(url).pathname} HTTP/1.1`,
          ...lines,
          'Tus-Resumable: 1.0.0',
          'Upload-Offset: 0',
          body,
        ),
      )
      .send('x'.repeat(400))
    form.send(head('POST /upload HTTP/1.1', ...lines, 'Content-Type: multipart/form-data; boundary=b'))
    form.send('--b\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\nhello')
    whole
      .send(head('POST /tus HTTP/1.1', ...lines, 'Tus-Resumable: 1.0.0', 'Upload-Length: 1000', body))
      .send('x')
    const begun = performance.now()
    const answers = await Promise.all([patch, form, whole].map((raw) => raw.closed()))
    expect(answers.map(({ isClosed }) => isClosed)).toEqual([true, true, true])
    expect(performance.now() - begun).toBeLessThan(6000)
    await expect.poll(() => server.inbox()).toHaveLength(1)
    expect((await tus.head(url)).headers.get('upload-offset')).toBe('400')
  })
})

describe('a siege', () => {
  it('of 1,000 idle connections and 50 stalled uploads hardly touches an honest upload and /check', async () => {
    const bytes = 64 * KIB * KIB
    const calm = await besiege({ idle: 0, stalled: 0, bytes, addresses: 1 })
    const siege = await besiege({ idle: 1000, stalled: 50, bytes, addresses: 5 })
    expect(siege).toMatchObject({ code: 0, failedChecks: 0, refused: 0 })
    expect(siege.held).toBeGreaterThan(900)
    expect(siege.rss).toBeLessThan(400)
    // On a machine that is busy with other things, calm is slow as well.
    expect(siege.p99).toBeLessThan(Math.max(250, 3 * calm.p99))
  }, 120_000)

  it('by more than one address may have is turned away, and the honest one notices nothing', async () => {
    const limits = { MAX_CONNECTIONS_PER_ADDRESS: '100' }
    const siege = await besiege({ idle: 600, stalled: 0, bytes: 8 * KIB * KIB, addresses: 2, env: limits })
    expect(siege).toMatchObject({ code: 0, failedChecks: 0 })
    expect(siege.refused).toBeGreaterThan(100)
  }, 120_000)
})

import { readFile } from 'node:fs/promises'
import { afterEach, describe, expect, it } from 'vitest'
import { ClientHome } from '../support/client.js'
import { ask, formBytes, post } from '../support/form.js'
import { TestServer } from '../support/server.js'
import { content, stockUpload } from '../support/tus.js'

let server: TestServer
afterEach(() => server.stop())

describe('the address of a sender', () => {
  it.each([
    ['nobody’s word counts by default', '', '6.6.6.6', '127.0.0.1'],
    ['one proxy says it', '1', '6.6.6.6, 203.0.113.7', '203.0.113.7'],
    ['two proxies say it', '2', '6.6.6.6, 203.0.113.7, 10.0.0.1', '203.0.113.7'],
    [
      'a proxy by its address says it',
      '127.0.0.0/8, 10.0.0.1',
      '6.6.6.6, 2001:db8::7, 10.0.0.1',
      '2001:db8::7',
    ],
    ['who is no such proxy says nothing', '10.0.0.0/8', '6.6.6.6', '127.0.0.1'],
    ['what is no address is none', '1', 'outcome=ok', '127.0.0.1'],
    ['IPv4 is itself in IPv6’s clothes', '1', '::ffff:203.0.113.7', '203.0.113.7'],
  ])('%s', async (_, TRUST_PROXY, forwarded, address) => {
    server = await TestServer.start({ env: { TRUST_PROXY } })
    await ask(server.url, '/check?size=1', { headers: { 'x-forwarded-for': forwarded } })
    await expect.poll(() => server.output).toMatch(/from=(\S+) method=GET door=check/)
    expect(/from=(\S+) method=GET door=check/.exec(server.output)![1]).toBe(address)
  })

  it('is not the only thing that proxies say, and the rest does not count', async () => {
    server = await TestServer.start({ env: { TRUST_PROXY: '1' } })
    const headers = { 'x-forwarded-host': 'evil.example', 'x-forwarded-proto': 'https', host: '127.0.0.1' }
    expect((await ask(server.url, '/check?size=1', { headers }))!.status).toBe(200)
    const evil = { 'x-forwarded-host': '127.0.0.1', host: 'evil.example' }
    expect((await ask(server.url, '/check?size=1', { headers: evil }))!.status).toBe(421)
  })
})

describe('a server with FILES_ORIGIN', () => {
  const start = async (env: Record<string, string> = {}) => {
    server = await TestServer.start({ env: { FILES_ORIGIN: 'https://cdn.example', ...env } })
  }
  const on = (host: string, path: string, headers: Record<string, string> = {}) =>
    ask(server.url, path, { headers: { host, ...headers } })

  it('has its links there, and sends whoever asks elsewhere', async () => {
    await start()
    const { bytes, md5 } = content(1000)
    const { reply } = await post(server.url, formBytes({ body: bytes }))
    expect(reply['url']).toBe(`https://cdn.example/files/${md5}.bin`)
    const moved = await on('127.0.0.1', `/files/${md5}.mp4?a=b`)
    expect(moved).toMatchObject({
      status: 308,
      headers: { location: `https://cdn.example/files/${md5}.mp4?a=b` },
    })
    expect((await on('127.0.0.1', '/files//evil.example/%0d%0a'))!.headers.location).toMatch(
      /^https:\/\/cdn\.example\/files\/\/evil/,
    )
    const there = await on('CDN.example:443', `/files/${md5}.mp4`)
    expect(there!.status).toBe(200)
    expect(there!.body.equals(bytes)).toBe(true)
  })

  it('serves files there, and health, and nothing else', async () => {
    await start()
    const { md5, bytes } = content(10)
    await post(server.url, formBytes({ body: bytes }))
    for (const path of [`/files/${md5}.txt`, '/healthz', '/readyz'])
      expect((await on('cdn.example', path))!.status).toBe(200)
    for (const path of ['/', '/check?size=1', '/tus', '/metrics', '/page/x.js', '/filesystem', '/files']) {
      const reply = (await on('cdn.example', path))!
      expect([path, reply.status]).toEqual([path, 404])
      expect(JSON.parse(reply.body.toString())).toMatchObject({ status: 'error', code: 'not-found' })
    }
    expect((await on('127.0.0.1', '/'))!.status).toBe(200)
  })

  it('signs the way there for who has shown a token, since tokens do not travel', async () => {
    await start({ DOWNLOAD_TOKEN: 'download-token-1' })
    const { md5, bytes } = content(10)
    await post(server.url, formBytes({ body: bytes }))
    const path = `/files/${md5}.txt`
    expect((await on('127.0.0.1', path))!.status).toBe(401)
    expect((await on('cdn.example', path))!.status).toBe(401)
    const moved = (await on('127.0.0.1', path, { authorization: 'Bearer download-token-1' }))!
    expect(moved).toMatchObject({ status: 308, headers: { 'cache-control': 'no-store' } })
    const { pathname, search } = new URL(moved.headers.location!)
    expect((await on('cdn.example', pathname + search))!.status).toBe(200)
    expect((await on('127.0.0.1', pathname + search))!.headers.location).toBe(moved.headers.location)
  })

  it('lets ferry get follow, with a token that only the server itself is shown', async () => {
    await start({ DOWNLOAD_TOKEN: 'download-token-1' })
    const origin = `http://localhost:${server.port}`
    await server.terminate()
    await server.start({ FILES_ORIGIN: origin })
    const home = await ClientHome.create()
    const { md5, bytes } = content(100_000)
    await stockUpload(server.url, bytes)
    const env = { FERRY_LANG: 'en', FERRY_SERVER: server.address, FERRY_TOKEN: 'download-token-1' }
    const { code } = await home.run(['get', md5, '-o', 'got.bin'], env)
    expect(code).toBe(0)
    expect((await readFile(home.path('got.bin'))).equals(bytes)).toBe(true)
    await home.remove()
  })
})

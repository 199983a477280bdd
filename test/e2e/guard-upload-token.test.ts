import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ClientHome } from '../support/client.js'
import { ask, filePart, FORM_TYPE, formBytes } from '../support/form.js'
import { TestServer } from '../support/server.js'
import { content, metadata, stockUpload, tus } from '../support/tus.js'

const TOKEN = 'first-token_0123456789'
const SECOND = 'second:token=/+~'
const BEARER = { Authorization: `Bearer ${TOKEN}` }
const HTML = 'text/html,application/xhtml+xml,*/*;q=0.8'

const basic = (password: string, user = 'anyone') => ({
  Authorization: `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`,
})

describe('a server with UPLOAD_TOKEN', () => {
  let server: TestServer
  let known: ReturnType<typeof content>
  beforeAll(async () => {
    server = await TestServer.start({ env: { UPLOAD_TOKEN: ` ${TOKEN} , ${SECOND}` } })
    known = content(1000)
    await stockUpload(server.url, known.bytes, { headers: BEARER })
  })
  afterAll(() => server.stop())

  it.each([
    ['the first token', BEARER],
    ['the second', { Authorization: `Bearer ${SECOND}` }],
    ['a scheme in other letters', { Authorization: `bEARER  ${TOKEN}` }],
    ['Basic with the token as password', basic(TOKEN)],
    ['Basic with a token that has a colon, and no user', basic(SECOND, '')],
  ])('opens to %s', async (_, headers) => {
    const reply = await fetch(`${server.url}/check?md5=${known.md5}`, { headers })
    expect(await reply.json()).toMatchObject({ status: 'exists' })
    expect((await fetch(`${server.url}/metrics`, { headers })).status).toBe(200)
  })

  it.each([
    ['no token', {}],
    ['another token', { Authorization: 'Bearer x' }],
    ['the beginning of one', { Authorization: `Bearer ${TOKEN.slice(0, -1)}` }],
    ['one and more', { Authorization: `Bearer ${TOKEN}x` }],
    ['the whole list', { Authorization: `Bearer ${TOKEN},${SECOND}` }],
    ['an empty token', { Authorization: 'Bearer ' }],
    ['an empty password', basic('')],
    ['the token as user', basic('', TOKEN)],
    ['another scheme', { Authorization: `Token ${TOKEN}` }],
  ])('stays closed to %s', async (_, headers) => {
    const reply = await ask(server.url, `/check?md5=${known.md5}`, { headers })
    expect(reply).toMatchObject({ status: 401, headers: { 'www-authenticate': 'Bearer realm="ferry"' } })
    expect(JSON.parse(reply!.body.toString())).toMatchObject({ status: 'error', code: 'unauthorized' })
  })

  it('tells the unknown nothing about which MD5s exist: one answer, byte for byte, whatever they ask', async () => {
    const unknown = content(5)
    const arriving = content(2000)
    const created = await tus.create(server.url, 2000, { md5: arriving.md5 }, { headers: BEARER })
    const id = tus.location(server.url, created).split('/').at(-1)!
    const form = formBytes({ head: filePart('a.bin'), body: known.bytes })
    const questions: [string, string, Record<string, string>?, Buffer?][] = [
      ...[known.md5, unknown.md5, arriving.md5, 'nonsense'].flatMap(
        (md5) =>
          [
            ['GET', `/check?md5=${md5}`],
            ['GET', `/CHECK/?md5=${md5}&wait=1`],
            ['GET', `/check?md5s=${md5},${unknown.md5}`],
            ['POST', `/check?md5=${md5}&upload=${id}`],
            ['GET', `/check?md5=${md5}&expires=60`],
            ['POST', `/tus`, { 'upload-length': '1000', 'upload-metadata': metadata({ md5 }) }],
          ] as [string, string, Record<string, string>?][],
      ),
      ['GET', '/check?size=1000'],
      ['GET', '/check?size=999'],
      ['GET', '/check'],
      ['GET', '/metrics'],
      ['GET', '/Upload'],
      ['DELETE', `/tus/${id}`],
      ['DELETE', `/tus/${'0'.repeat(32)}`],
      ['PATCH', `/tus/${id}`, { 'upload-offset': '0' }],
      ['PROPFIND', `/TUS/${id}/`],
    ]
    const bodiless = await Promise.all(
      questions.map(([method, path, headers]) => answerTo(method, path, headers)),
    )
    expect(new Set(bodiless)).toEqual(new Set([bodiless[0]]))
    const withBody = await Promise.all(
      [known.md5, unknown.md5, arriving.md5].flatMap((md5) => [
        answerTo('POST', `/upload?md5=${md5}`, { 'content-type': FORM_TYPE }, form),
        answerTo('POST', `/tus`, { ...OFFSETS, 'upload-metadata': metadata({ md5 }) }, known.bytes),
        answerTo('PATCH', `/tus/${id}`, { ...OFFSETS, 'upload-offset': '0' }, known.bytes),
      ]),
    )
    expect(new Set(withBody)).toEqual(new Set([withBody[0]]))
    const heads = await Promise.all(
      [`/tus/${id}`, `/tus/${'1'.repeat(32)}`, `/check?md5=${known.md5}`].map((path) =>
        answerTo('HEAD', path),
      ),
    )
    expect(new Set(heads)).toEqual(new Set([heads[0]]))
    expect(await server.inbox()).toHaveLength(1)
  })

  const OFFSETS = {
    'tus-resumable': '1.0.0',
    'upload-length': '1000',
    'content-type': 'application/offset+octet-stream',
  }

  async function answerTo(method: string, path: string, headers = {}, body?: Buffer): Promise<string> {
    const length = body ? { 'content-length': String(body.length) } : {}
    const reply = await ask(server.url, path, {
      method,
      headers: { ...headers, ...length },
      ...(body && { body }),
    })
    const { date: _, ...told } = reply!.headers
    return JSON.stringify({ status: reply!.status, told, body: reply!.body.toString() })
  }

  it('answers a form of any size before its body, also where the sender waits to be asked for it', async () => {
    const waiting = await ask(server.url, '/upload', {
      method: 'POST',
      headers: {
        expect: '100-continue',
        'content-type': FORM_TYPE,
        'content-length': String(10 * 1024 ** 3),
      },
      body: [],
    })
    expect(waiting?.status).toBe(401)
    const begun = performance.now()
    const sending = await ask(server.url, '/upload', {
      method: 'POST',
      headers: { 'content-type': FORM_TYPE },
      body: Array.from({ length: 200 }, () => Buffer.alloc(65_536)),
    })
    expect(sending?.status).toBe(401)
    expect(performance.now() - begun).toBeLessThan(5000)
  })

  it('shows Basic to a browser that visits or sends a form without script, and never to what a page fetches', async () => {
    const challenge = async (headers: Record<string, string>) =>
      (await ask(server.url, '/check', { headers }))!.headers['www-authenticate']
    const both = 'Bearer realm="ferry", Basic realm="ferry", charset="UTF-8"'
    expect(await challenge({ accept: HTML })).toBe(both)
    expect(await challenge({ accept: HTML, 'sec-fetch-mode': 'navigate' })).toBe(both)
    const bearer = 'Bearer realm="ferry"'
    expect(await challenge({ accept: HTML, 'sec-fetch-mode': 'cors' })).toBe(bearer)
    expect(await challenge({ accept: '*/*' })).toBe(bearer)
  })

  it('leaves page, files and health open, and answers preflights', async () => {
    for (const path of ['/', '/healthz', '/readyz', `/files/${known.md5}.bin`])
      expect((await fetch(server.url + path)).status).toBe(200)
    for (const path of ['/tus', '/check', '/upload'])
      expect((await fetch(server.url + path, { method: 'OPTIONS' })).status).toBe(204)
  })

  it('serves the client with a token, and sends one without to ferry login', async () => {
    const home = await ClientHome.create()
    const { bytes, md5 } = content(300_000)
    const path = await home.write('a.bin', bytes)
    const env = { FERRY_LANG: 'en', FERRY_SERVER: server.address }
    const refused = await home.run(['upload', path], env)
    expect(refused).toMatchObject({ code: 1, stdout: '' })
    expect(refused.stderr).toMatch(/HTTP 401\): ferry login/)
    const login = await home.run(['login', server.url], env, TOKEN)
    expect(login.code).toBe(0)
    const sent = await home.run(['upload', path], env)
    expect(sent).toMatchObject({ code: 0, stdout: `${server.url}/files/${md5}.bin\n` })
    const documented = await home.run(['-file', path, '-server', server.address], env)
    expect(documented.code).toBe(1)
    expect(documented.stderr).toMatch(/HTTP 401: this server wants a token/)
    await home.remove()
  })

  it('writes no token to its log, be it right or wrong', async () => {
    await fetch(`${server.url}/check?md5=${known.md5}`, { headers: BEARER })
    await fetch(`${server.url}/check?md5=${known.md5}`, {
      headers: { Authorization: 'Bearer wrong-token-1' },
    })
    await expect.poll(() => server.output).toMatch(/status=401 .*outcome=unauthorized/)
    for (const secret of [TOKEN, SECOND, 'wrong-token-1', Buffer.from(`anyone:${TOKEN}`).toString('base64')])
      expect(server.output).not.toContain(secret)
    expect(server.output).not.toContain('No UPLOAD_TOKEN')
  })
})

describe('a server without UPLOAD_TOKEN', () => {
  it.each([
    ['en', /^\[INFO\] No UPLOAD_TOKEN is set: anyone who can reach this server may upload.*$/m],
    ['zh-CN', /^\[INFO\] 未设置 UPLOAD_TOKEN：凡能连到本服务的人都可以上传.*$/m],
  ])('starts and says in one line (%s) that anyone may upload', async (FERRY_LANG, line) => {
    const server = await TestServer.start({ env: { FERRY_LANG } })
    await expect.poll(() => server.output).toMatch(line)
    expect((await fetch(`${server.url}/check?size=1`)).status).toBe(200)
    await server.stop()
  })
})

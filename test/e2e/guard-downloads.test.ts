import { readFile } from 'node:fs/promises'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { ClientHome } from '../support/client.js'
import { pause, TestServer } from '../support/server.js'
import { content, stockUpload } from '../support/tus.js'

const [UP, DOWN] = ['upload-token-1', 'download-token-1']
const bearer = (token: string) => ({ headers: { Authorization: `Bearer ${token}` } })

interface Checked {
  status: string
  url: string
  signed?: string
}

describe('a server with DOWNLOAD_TOKEN', () => {
  let server: TestServer
  let file: ReturnType<typeof content>
  let url: string
  beforeAll(async () => {
    server = await TestServer.start({ env: { UPLOAD_TOKEN: UP, DOWNLOAD_TOKEN: `${DOWN},older-token` } })
    file = content(5000)
    await stockUpload(server.url, file.bytes, { ...bearer(UP), metadata: { filename: 'film.mp4' } })
    url = `${server.url}/files/${file.md5}.mp4`
  })
  afterAll(() => server.stop())

  const check = async (query: string, token = DOWN): Promise<Checked> =>
    (await (await fetch(`${server.url}/check?md5=${query}`, bearer(token))).json()) as Checked
  const signedFor = async (seconds: number): Promise<string> =>
    (await check(`${file.md5}&expires=${seconds}`)).signed!
  const refusal = async (address: string) => {
    const reply = await fetch(address)
    return { status: reply.status, code: ((await reply.json()) as { code: string }).code }
  }

  it('gives files to bearers of either token, for nobody else to keep', async () => {
    for (const token of [UP, DOWN, 'older-token']) {
      const reply = await fetch(url, bearer(token))
      expect(reply.status).toBe(200)
      expect(reply.headers.get('cache-control')).toBe('private, no-cache')
      expect(Buffer.from(await reply.arrayBuffer()).equals(file.bytes)).toBe(true)
    }
    const basic = { headers: { Authorization: `Basic ${Buffer.from(`:${DOWN}`).toString('base64')}` } }
    expect((await fetch(url, basic)).status).toBe(200)
  })

  it('gives nothing to others, and does not tell them what is there', async () => {
    const replies = await Promise.all(
      [url, `${server.url}/files/${content(3).md5}.mp4`, `${server.url}/FILES/${file.md5}`].map(
        async (address) => {
          const reply = await fetch(address)
          const { date: _, ...headers } = Object.fromEntries(reply.headers)
          return JSON.stringify({ status: reply.status, headers, body: await reply.text() })
        },
      ),
    )
    expect(replies[0]).toMatch(/"status":401.*"cache-control":"no-store".*unauthorized/)
    expect(new Set(replies).size).toBe(1)
    expect((await fetch(url, bearer('wrong'))).status).toBe(401)
  })

  it('lets a download token ask, and change nothing', async () => {
    expect(await check(file.md5)).toMatchObject({ status: 'exists', url })
    const attempts = [
      ['POST', `/check?md5=${file.md5}&upload=${'0'.repeat(32)}`],
      ['POST', '/tus'],
      ['POST', '/upload'],
      ['GET', '/metrics'],
    ] as const
    for (const [method, path] of attempts)
      expect((await fetch(server.url + path, { method, ...bearer(DOWN) })).status).toBe(401)
  })

  it('signs a link that opens its file to anybody, in parts, and by any extension', async () => {
    const signed = await signedFor(60)
    expect(signed).toMatch(new RegExp(`^${url}\\?expires=\\d+&sig=[0-9a-f]{64}$`))
    const whole = await fetch(signed)
    expect(whole.headers.get('cache-control')).toBe('private, no-cache')
    expect(whole.headers.get('referrer-policy')).toBe('no-referrer')
    expect(Buffer.from(await whole.arrayBuffer()).equals(file.bytes)).toBe(true)
    const part = await fetch(signed, { headers: { range: 'bytes=10-19' } })
    expect(part.status).toBe(206)
    expect(Buffer.from(await part.arrayBuffer()).equals(file.bytes.subarray(10, 20))).toBe(true)
    expect((await fetch(signed, { method: 'HEAD' })).status).toBe(200)
    expect((await fetch(signed.replace('.mp4', '.bin'))).status).toBe(200)
    expect((await fetch(signed.replace('.mp4', ''))).status).toBe(200)
    expect((await fetch(signed.replace(file.md5, file.md5.toUpperCase()))).status).toBe(200)
  })

  it('refuses a link that was changed, or is for another file, and says so', async () => {
    const signed = await signedFor(60)
    const wrong = { status: 403, code: 'wrong-link' }
    expect(await refusal(signed.replace(file.md5, content(9).md5))).toEqual(wrong)
    expect(await refusal(signed.replace(/expires=\d/, 'expires=9'))).toEqual(wrong)
    expect(await refusal(signed.replace(/&sig=.*/, ''))).toEqual(wrong)
    expect(await refusal(`${signed}0`)).toEqual(wrong)
    expect(await refusal(`${signed}&sig=${'0'.repeat(64)}`)).toEqual(wrong)
    expect((await fetch(`${signed}0`, bearer(DOWN))).status).toBe(200)
  })

  it('refuses a link that has expired, and says so', async () => {
    const signed = await signedFor(1)
    await pause(2100)
    expect(await refusal(signed)).toEqual({ status: 403, code: 'link-expired' })
  })

  it('signs for no longer than a year, and of what exists alone', async () => {
    expect((await check(`${file.md5}&expires=31536000`)).signed).toBeDefined()
    for (const expires of ['31536001', '0', '-1', '7d', ''])
      expect(await check(`${file.md5}&expires=${expires}`)).toMatchObject({ code: 'bad-request' })
    expect(await check(`${content(8).md5}&expires=60`)).toEqual({ status: 'notfound' })
  })

  it('ends the links of a token that is taken out, and keeps those of one that stays', async () => {
    const signed = await signedFor(600)
    await server.terminate()
    await server.start({ DOWNLOAD_TOKEN: `new-token,${DOWN}` })
    expect((await fetch(signed)).status).toBe(200)
    await server.terminate()
    await server.start({ DOWNLOAD_TOKEN: 'new-token' })
    expect((await fetch(signed)).status).toBe(403)
    await server.terminate()
    await server.start()
  })

  describe('by the client', () => {
    let home: ClientHome
    let env: Record<string, string>
    beforeAll(async () => {
      home = await ClientHome.create()
      env = { FERRY_LANG: 'en', FERRY_SERVER: server.address, FERRY_TOKEN: DOWN }
    })
    afterAll(() => home.remove())

    it('ferry link --expires prints a signed link and nothing else', async () => {
      const plain = await home.run(['link', file.md5], env)
      expect(plain).toMatchObject({ code: 0, stdout: `${url}\n` })
      const signed = await home.run(['link', file.md5, '--expires', '7d'], env)
      expect(signed).toMatchObject({ code: 0, stderr: '' })
      const expires = Number(new URL(signed.lines[0]!).searchParams.get('expires'))
      expect(Math.abs(expires - Date.now() / 1000 - 7 * 86_400)).toBeLessThan(30)
      expect((await fetch(signed.lines[0]!)).status).toBe(200)
      const json = await home.run(['link', file.md5, '--expires', '1h', '--json'], env)
      const told = JSON.parse(json.lines[0]!) as Record<string, string>
      expect(Object.keys(told)).toEqual(['argument', 'md5', 'url'])
      expect((await fetch(told['url']!)).status).toBe(200)
    })

    it('ferry link --expires says why more than a year is too much', async () => {
      const { code, stdout, stderr } = await home.run(['link', file.md5, '--expires', '366d'], env)
      expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
      expect(stderr).toMatch(/HTTP 400: expires must be .* 31536000 \(a year\)/)
    })

    it('ferry get brings what is closed, with a token or by a signed link, and not without', async () => {
      const got = await home.run(['get', file.md5, '-o', 'by-token.mp4'], env)
      expect(got.code).toBe(0)
      expect((await readFile(home.path('by-token.mp4'))).equals(file.bytes)).toBe(true)
      const nobody = { ...env, FERRY_TOKEN: '' }
      const refused = await home.run(['get', url, '-o', 'not.mp4'], nobody)
      expect(refused).toMatchObject({ code: 1 })
      expect(refused.stderr).toMatch(/HTTP 401: this file is not open to everybody/)
      const signed = await home.run(['get', await signedFor(60), '-o', 'by-link.mp4'], nobody)
      expect(signed.code).toBe(0)
      expect((await readFile(home.path('by-link.mp4'))).equals(file.bytes)).toBe(true)
    })
  })
})

describe('a server whose uploads are open and whose files are closed', () => {
  it('lets anybody upload and ask, and signs for nobody unknown', async () => {
    const server = await TestServer.start({ env: { DOWNLOAD_TOKEN: DOWN } })
    const { bytes, md5 } = content(100)
    await stockUpload(server.url, bytes)
    expect((await fetch(`${server.url}/check?md5=${md5}`)).status).toBe(200)
    expect((await fetch(`${server.url}/check?md5=${md5}&expires=60`)).status).toBe(401)
    expect((await fetch(`${server.url}/check?md5=${md5}&expires=60`, bearer(DOWN))).status).toBe(200)
    await server.stop()
  })
})

describe('a server with open files', () => {
  let server: TestServer
  afterEach(() => server.stop())

  it('has no links that expire, and the client prints none that does not', async () => {
    server = await TestServer.start()
    const home = await ClientHome.create()
    const { bytes, md5 } = content(100)
    await stockUpload(server.url, bytes)
    const reply = (await (await fetch(`${server.url}/check?md5=${md5}&expires=60`)).json()) as Checked
    expect(reply.signed).toBeUndefined()
    expect(reply.status).toBe('exists')
    const open = await fetch(reply.url)
    expect(open.headers.get('cache-control')).toBe('public, max-age=31536000, immutable')
    const args = ['link', md5, '--expires', '7d', '-s', server.address]
    const { code, stdout, stderr } = await home.run(args, { FERRY_LANG: 'en' })
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
    expect(stderr).toMatch(/^\[ERROR\] .*no links that expire.*DOWNLOAD_TOKEN.*\n$/)
    await home.remove()
  })
})

import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { chromium, type Browser, type Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { QUIET } from '../support/browser.js'
import { ask, FORM_TYPE, formBytes, post } from '../support/form.js'
import { TestServer } from '../support/server.js'
import { find, missing } from '../support/tools.js'
import { content, tus } from '../support/tus.js'

const ALLOWED = 'https://app.example'
const FOREIGN = 'https://evil.example'

describe('the names of the server', () => {
  let server: TestServer
  afterEach(() => server.stop())

  const statusBy = async (host: string, path = '/check?size=1', method = 'GET') =>
    (await ask(server.url, path, { method, headers: { host } }))!.status

  it('are HOST, localhost and any address, unless the operator says', async () => {
    server = await TestServer.start({ env: { HOST: 'files.example.org' } })
    const fine = [
      'files.example.org',
      'FILES.example.org.:81',
      'localhost:1',
      '127.0.0.1',
      '10.9.8.7',
      '[::1]:80',
    ]
    for (const host of fine) expect([host, await statusBy(host)]).toEqual([host, 200])
    const foreign = [
      'evil.example',
      'files.example.org.evil.example',
      'a.files.example.org',
      'x',
      'localhost.evil',
    ]
    for (const host of foreign) expect([host, await statusBy(host)]).toEqual([host, 421])
  })

  it('are in every link, in ALLOWED_HOSTS, and no others', async () => {
    const env = {
      HOST: 'old.example',
      PUBLIC_URL: 'https://new.example/ferry',
      FILES_ORIGIN: 'https://cdn.example',
      ALLOWED_HOSTS: 'nas.lan',
    }
    server = await TestServer.start({ env })
    for (const host of ['old.example', 'new.example', 'nas.lan:8080']) expect(await statusBy(host)).toBe(200)
    for (const host of ['localhost', '127.0.0.1', 'evil.example']) expect(await statusBy(host)).toBe(421)
    expect(await statusBy('cdn.example')).toBe(404)
  })

  it('may be any where the operator says so', async () => {
    server = await TestServer.start({ env: { ALLOWED_HOSTS: '*' } })
    expect(await statusBy('whatever.example')).toBe(200)
  })

  it('count at every door, with words that say what to do, but not for health', async () => {
    server = await TestServer.start()
    const doors = [
      ['GET', '/'],
      ['GET', `/files/${'0'.repeat(32)}`],
      ['GET', '/metrics'],
      ['POST', '/check'],
      ['POST', '/tus'],
      ['OPTIONS', '/tus'],
      ['GET', '/nothing'],
    ] as const
    for (const [method, path] of doors) expect(await statusBy('evil.example', path, method)).toBe(421)
    const form = { host: 'evil.example', 'content-type': FORM_TYPE }
    const reply = await ask(server.url, '/upload', {
      method: 'POST',
      headers: form,
      body: formBytes({ body: 'a' }),
    })
    expect(reply!.status).toBe(421)
    expect(JSON.parse(reply!.body.toString())).toMatchObject({
      status: 'error',
      code: 'wrong-host',
      message: expect.stringContaining('ALLOWED_HOSTS') as string,
    })
    expect(await server.shelf()).toEqual([])
    for (const path of ['/healthz', '/readyz']) expect(await statusBy('evil.example', path)).toBe(200)
  })
})

describe('pages of other sites', () => {
  let server: TestServer
  beforeAll(async () => {
    server = await TestServer.start({
      env: { ALLOWED_ORIGINS: ALLOWED, PUBLIC_URL: 'https://public.example' },
    })
  })
  afterAll(() => server.stop())

  const form = formBytes({ body: 'written by another site' })
  const writes: [string, string, Record<string, string>, Buffer?][] = [
    ['POST', '/upload', { 'content-type': FORM_TYPE, 'content-length': String(form.length) }, form],
    ['POST', `/check?md5=${'0'.repeat(32)}&upload=${'0'.repeat(32)}`, {}],
    ['POST', '/tus', { 'tus-resumable': '1.0.0', 'upload-length': '5' }],
    ['PATCH', `/tus/${'0'.repeat(32)}`, { 'tus-resumable': '1.0.0', 'upload-offset': '0' }],
    ['DELETE', `/tus/${'0'.repeat(32)}`, { 'tus-resumable': '1.0.0' }],
    ['GET', `/tus/${'0'.repeat(32)}`, { 'x-http-method-override': 'DELETE' }],
  ]
  const codes = async (headers: Record<string, string>) =>
    Promise.all(
      writes.map(async ([method, path, own, body]) => {
        const reply = await ask(server.url, path, {
          method,
          headers: { ...own, ...headers },
          ...(body && { body }),
        })
        return (/wrong-origin/.exec(reply!.body.toString()) ?? [String(reply!.status)])[0]
      }),
    )

  const stored = async () => {
    const { bytes, md5 } = content(100)
    expect((await post(server.url, formBytes({ body: bytes }))).status).toBe(200)
    return md5
  }

  it.each([
    ['another origin', { origin: FOREIGN }],
    ['an origin that hides', { origin: 'null' }],
    ['our host on another port', { origin: 'http://127.0.0.1:1' }],
    ['a cross-site request that says no origin', { 'sec-fetch-site': 'cross-site' }],
    ['a neighbour', { 'sec-fetch-site': 'same-site', origin: 'http://127.0.0.1:1' }],
  ])('may write nothing: %s', async (_, headers) => {
    const before = [await server.shelf(), await server.inbox()]
    expect(await codes(headers)).toEqual(writes.map(() => 'wrong-origin'))
    expect([await server.shelf(), await server.inbox()]).toEqual(before)
  })

  it.each([
    ['programs, which say nothing', {}],
    ['our own page, by its address', { origin: 'own' }],
    ['our own page, by PUBLIC_URL', { origin: 'https://public.example' }],
    ['our own page behind a proxy that rewrites Host', { origin: FOREIGN, 'sec-fetch-site': 'same-origin' }],
    ['an address that was typed', { 'sec-fetch-site': 'none' }],
    ['an origin that is allowed', { origin: ALLOWED, 'sec-fetch-site': 'cross-site' }],
  ])('are not meant by that: %s', async (_, given) => {
    const headers = 'origin' in given && given.origin === 'own' ? { origin: server.url } : given
    const seen = await codes(headers)
    expect(seen).not.toContain('wrong-origin')
    expect(seen.slice(0, 3)).toEqual(['200', '404', '201'])
  })

  it('may read from us only where the operator allows it', async () => {
    const md5 = await stored()
    const created = await tus.create(server.url, 100, { md5 })
    const known = tus.location(server.url, created).replace('https://public.example', server.url)
    const asked = async (origin: string) => {
      const headers = { origin, 'tus-resumable': '1.0.0' }
      const replies = [
        await ask(server.url, `/check?md5=${md5}`, { headers }),
        await ask(server.url, '/check?md5=none', { headers }),
        await ask(server.url, '/tus', { method: 'OPTIONS', headers }),
        await ask(server.url, '/check', { method: 'OPTIONS', headers }),
        await ask(server.url, '/upload', { method: 'OPTIONS', headers }),
        await ask(known, new URL(known).pathname, { method: 'HEAD', headers }),
        await ask(known, new URL(known).pathname, {
          method: 'PATCH',
          headers: { ...headers, 'upload-offset': '0', 'content-type': 'application/offset+octet-stream' },
        }),
        await ask(server.url, `/files/${md5}`, { headers }),
        await ask(server.url, '/', { headers }),
      ]
      return replies.map((reply) => reply!.headers['access-control-allow-origin'])
    }
    expect(await asked(ALLOWED)).toEqual([...Array(7).fill(ALLOWED), undefined, undefined])
    expect(await asked(FOREIGN)).toEqual(Array(9).fill(undefined))
    expect(await asked(`${ALLOWED}.evil.example`)).toEqual(Array(9).fill(undefined))
    const preflight = await ask(server.url, '/check', { method: 'OPTIONS', headers: { origin: ALLOWED } })
    expect(preflight!.headers).toMatchObject({
      'access-control-allow-headers': 'Authorization, Content-Type, Ferry-Client',
      vary: 'Origin',
    })
  })

  it('may all read and write where the operator says *', async () => {
    const open = await TestServer.start({ env: { ALLOWED_ORIGINS: '*' } })
    const headers = { origin: FOREIGN, 'sec-fetch-site': 'cross-site' }
    const created = await tus.create(open.url, 5, {}, { headers })
    expect(created.status).toBe(201)
    expect(created.headers.get('access-control-allow-origin')).toBe('*')
    await open.stop()
  })

  it('may embed files, and nothing else (Cross-Origin-Resource-Policy)', async () => {
    const md5 = await stored()
    const policyOf = async (path: string) =>
      (await fetch(server.url + path)).headers.get('cross-origin-resource-policy')
    expect(await policyOf(`/files/${md5}.mp4`)).toBe('cross-origin')
    for (const path of ['/', '/check', '/tus', '/metrics', '/healthz', '/nothing', '/page/none.js'])
      expect([path, await policyOf(path)]).toEqual([path, 'same-origin'])
  })
})

describe.skipIf(missing('chromium'))(`a hostile page in Chromium${missing('chromium')}`, () => {
  let site: Server
  let origin: string
  let server: TestServer
  let browser: Browser
  let page: Page
  beforeAll(async () => {
    site = createServer((_, res) => res.setHeader('content-type', 'text/html').end('<!doctype html>'))
    await once(site.listen(0, '127.0.0.1'), 'listening')
    origin = `http://127.0.0.1:${(site.address() as AddressInfo).port}`
    server = await TestServer.start()
    browser = await chromium.launch({
      executablePath: find('chromium')!,
      args: [...QUIET, '--host-resolver-rules=MAP rebound.test 127.0.0.1'],
    })
  })
  afterAll(async () => {
    await browser.close()
    site.close()
    await server.stop()
  })
  beforeEach(async () => {
    page = await browser.newPage()
    await page.goto(origin)
  })
  afterEach(() => page.close())

  it('uploads nothing, by a form or by a fetch that asks nobody', async () => {
    const statuses = page.waitForResponse((response) => response.url().endsWith('/upload?by=form'))
    await page.evaluate(`
      const form = Object.assign(document.createElement('form'), { method: 'post', enctype: 'multipart/form-data', action: '${server.url}/upload?by=form' })
      const input = Object.assign(document.createElement('input'), { type: 'file', name: 'file' })
      const files = new DataTransfer(); files.items.add(new File(['evil'], 'evil.html')); input.files = files.files
      form.append(input); document.body.append(form); form.submit()`)
    expect((await statuses).status()).toBe(403)
    await page.waitForURL(/by=form/)
    expect(await page.textContent('body')).toContain('came from another site')
    await page.goto(origin)
    await page.evaluate(`(async () => {
      const body = new FormData(); body.append('file', new File(['evil'], 'evil.html'))
      await fetch('${server.url}/upload', { method: 'POST', mode: 'no-cors', body }).catch(() => undefined)
    })()`)
    expect(await server.shelf()).toEqual([])
  })

  it('reads nothing', async () => {
    const outcome = await page.evaluate(
      `fetch('${server.url}/check?size=5').then((reply) => reply.text(), () => 'kept from it')`,
    )
    expect(outcome).toBe('kept from it')
  })

  it('gets nothing by a name that was made to point at us', async () => {
    await page.goto(`http://rebound.test:${server.port}/`)
    const reply = await page.evaluate(
      `fetch('/check?size=5').then(async (reply) => reply.status + await reply.text())`,
    )
    expect(reply).toMatch(/^421.*wrong-host/)
  })
})

describe.skipIf(missing('chromium'))(`our own page in Chromium${missing('chromium')}`, () => {
  it('asks for a token by itself where one is wanted, and the browser does not', async () => {
    const server = await TestServer.start({ env: { UPLOAD_TOKEN: 'the-token-of-uploads' } })
    const browser = await chromium.launch({ executablePath: find('chromium')!, args: QUIET })
    try {
      const page = await browser.newPage({ locale: 'en-US' })
      await page.goto(server.url)
      const told = await page.evaluate(
        `fetch('/check?size=5').then((reply) => reply.status + reply.headers.get('www-authenticate'))`,
      )
      expect(told).toBe('401Bearer realm="ferry"')
      await page
        .locator('input[type=file]')
        .first()
        .setInputFiles({
          name: 'a.bin',
          mimeType: 'application/octet-stream',
          buffer: content(100_000).bytes,
        })
      await page.locator('input[type=password]').fill('the-token-of-uploads')
      await page.locator('input[type=password]').press('Enter')
      await expect.poll(() => server.shelf(), { timeout: 10_000 }).toHaveLength(1)
    } finally {
      await browser.close()
      await server.stop()
    }
  })

  it('is asked by the browser for a form without script, and the token is the password', async () => {
    const server = await TestServer.start({ env: { UPLOAD_TOKEN: 'the-token-of-uploads' } })
    const browser = await chromium.launch({ executablePath: find('chromium')!, args: QUIET })
    try {
      const context = await browser.newContext({
        javaScriptEnabled: false,
        httpCredentials: { username: 'me', password: 'the-token-of-uploads' },
      })
      const page = await context.newPage()
      await page.goto(server.url)
      await page.locator('input[type=file]').setInputFiles({
        name: 'a.txt',
        mimeType: 'text/plain',
        buffer: Buffer.from('by hand'),
      })
      await page.locator('form [type=submit], form button').first().click()
      await page.locator('.link a').waitFor()
      expect(await server.shelf()).toHaveLength(1)
    } finally {
      await browser.close()
      await server.stop()
    }
  })
})

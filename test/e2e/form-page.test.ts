import { createHash } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { chromium, type Browser } from 'playwright-core'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import {
  ask,
  BOUNDARY,
  filePart,
  FORM_TYPE,
  formBytes,
  post,
  textPart,
  type Answer,
} from '../support/form.js'
import { sha256 } from '../support/collision.js'
import { TestServer } from '../support/server.js'
import { find, missing } from '../support/tools.js'
import { content, tus } from '../support/tus.js'

/** What browsers accept when they send a form. */
const BROWSERS = {
  Chrome:
    'text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,image/apng,*/*;q=0.8,application/signed-exchange;v=b3;q=0.7',
  Firefox: 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8',
  'Internet Explorer': 'text/html, application/xhtml+xml, */*',
  Lynx: 'text/html, text/plain, text/sgml, text/css, application/xhtml+xml, */*;q=0.01',
  w3m: 'text/html, text/*;q=0.5, image/*, application/*, video/*, audio/*',
}
const PROGRAMS: Record<string, string | undefined> = {
  'none, as .NET and Go': undefined,
  '*/*, as curl': '*/*',
  'what axios says': 'application/json, text/plain, */*',
  'what HttpURLConnection of Java 8 says': 'text/html, image/gif, image/jpeg, *; q=.2, */*; q=.2',
  'what HttpURLConnection of Java 21 says': 'text/html, image/gif, image/jpeg, */*; q=0.2',
  'application/json': 'application/json',
  'JSON before HTML': 'application/json, text/html',
  'rather JSON than HTML': 'text/html;q=0.5, application/json',
  'anything but HTML': 'text/html;q=0, */*',
  'any text': 'text/*, */*;q=0.1',
}
const HOSTILE = `"><script>alert('1')&amp;<!--<img src=x onerror=alert(1)>.txt`
const CHINESE = { 'accept-language': 'zh-CN,zh;q=0.9,en;q=0.8' }

describe('a form sent by a browser without script', () => {
  let server: TestServer
  beforeAll(async () => {
    server = await TestServer.start({ env: { MAX_SIZE: '2MB' } })
  })
  afterAll(() => server.stop())
  afterEach(async () => {
    await expect.poll(() => server.inbox(), { timeout: 5000 }).toEqual([])
  })

  const link = (hash: string, extension = 'bin') => `${server.url}/files/${hash}.${extension}`
  const send = async (
    form: Buffer | AsyncIterable<Buffer>,
    query = '',
    headers: Record<string, string> = {},
  ): Promise<Answer> =>
    (await ask(server.url, `/upload${query}`, {
      method: 'POST',
      headers: {
        'content-type': FORM_TYPE,
        ...(Buffer.isBuffer(form) ? { 'content-length': String(form.length) } : {}),
        accept: BROWSERS.Firefox,
        ...headers,
      },
      body: form,
    }))!

  describe.each(Object.entries(BROWSERS))('as %s accepts it', (_browser, accept) => {
    it('is answered by a page with the link, large, the name, and a way back', async () => {
      const { bytes, md5: hash } = content(5000)
      const form = formBytes({ head: filePart('clip.MP4'), body: bytes })
      const { status, headers, body } = await send(form, '', { accept })
      expect(status).toBe(200)
      expect(headers['content-type']).toBe('text/html; charset=utf-8')
      const page = body.toString()
      expect(page).toContain('<html lang="en">')
      expect(page).toContain('<h1>Uploaded</h1>')
      expect(page).toContain(`<p class="link"><a href="${link(hash, 'mp4')}">${link(hash, 'mp4')}</a></p>`)
      expect(page).toContain('<p>clip.MP4</p>')
      expect(page).toMatch(/<a href="\.\/">/)
    })
  })

  it('gets nothing but words and the style that its policy names, and nobody keeps it', async () => {
    for (const query of ['', '?md5=none']) {
      const { headers, body } = await send(formBytes({ body: content(100).bytes }), query)
      const style = /<style>(.*?)<\/style>/s.exec(body.toString())![1]!
      const hash = createHash('sha256').update(style).digest('base64')
      expect(headers['content-security-policy']).toBe(
        `default-src 'none'; style-src 'sha256-${hash}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`,
      )
      expect(headers['x-content-type-options']).toBe('nosniff')
      expect(headers['cache-control']).toBe('no-store')
      expect(headers['vary']).toBe('Accept, Accept-Language')
      expect(headers['content-length']).toBe(String(body.length))
    }
  })

  const languages: [string | undefined, 'en' | 'zh-CN'][] = [
    [undefined, 'en'],
    ['*', 'en'],
    ['en-GB,en;q=0.9,zh;q=0.5', 'en'],
    ['fr-FR,fr;q=0.9', 'en'],
    ['zh', 'zh-CN'],
    ['zh-CN,zh;q=0.9,en;q=0.8', 'zh-CN'],
    ['zh-TW', 'zh-CN'],
    ['zh-Hans-SG,en;q=0.5', 'zh-CN'],
    ['fr, zh;q=0.5', 'zh-CN'],
  ]
  it.each(languages)('in the language it prefers: Accept-Language %s is %s', async (accepted, language) => {
    const form = formBytes({ body: content(100).bytes })
    const { body } = await send(form, '', accepted ? { 'accept-language': accepted } : {})
    expect(body.toString()).toContain(`<html lang="${language}">`)
    expect(body.toString()).toContain(language === 'en' ? '<h1>Uploaded</h1>' : '<h1>上传完成</h1>')
  })

  /** The page's title and its text, in both languages, and that they have the same status. */
  const both = async (form: () => Buffer | AsyncIterable<Buffer>, query = '', headers = {}) => {
    const en = await send(form(), query, headers)
    const zh = await send(form(), query, { ...headers, ...CHINESE })
    expect(zh.status).toBe(en.status)
    const titles = [en, zh].map(({ body }) => /<h1>(.*?)<\/h1>/.exec(body.toString())?.[1])
    for (const { body } of [en, zh]) expect(body.toString()).toContain('<a href="./">')
    return { status: en.status, titles, en: en.body.toString(), headers: en.headers }
  }

  it('says that the file was known already, with its link and first name, before the body', async () => {
    const { bytes, md5: hash } = content(5000)
    await post(server.url, formBytes({ head: filePart('first.zip'), body: bytes }))
    const answer = await both(never, `?md5=${hash}&filename=second.txt`, { 'content-length': '1000000' })
    expect(answer).toMatchObject({
      status: 200,
      titles: ['This file is here already: no need to send it again', '服务器上已有此文件，无需再次上传'],
    })
    expect(answer.en).toContain(`<a href="${link(hash, 'zip')}">`)
    expect(answer.en).toContain('<p>first.zip</p>')
  })

  it('says that somebody else is sending the file, and when to come back', async () => {
    const { bytes, md5: hash } = content(1000)
    const created = await tus.create(server.url, 1000, { md5: hash })
    const answer = await both(() => formBytes({ body: bytes }), `?md5=${hash}`)
    expect(answer).toMatchObject({
      status: 200,
      titles: ['Somebody else is uploading this file right now', '此文件正在由他人上传'],
    })
    expect(Number(answer.headers['retry-after'])).toBeGreaterThan(0)
    expect(answer.en).toMatch(/Try again in about \d+ s\./)
    await tus.terminate(tus.location(server.url, created))
  })

  it('says what is wrong and what to do, with the status that programs get', async () => {
    const { bytes } = content(1000)
    const cases: [() => Buffer | AsyncIterable<Buffer>, string, Record<string, string>, object][] = [
      [never, '?md5=x', {}, { status: 400, titles: ['The MD5 in the address is none', '地址中的 MD5 无效'] }],
      [
        never,
        '',
        { 'content-length': '50000000' },
        { status: 413, titles: ['The file is too large', '文件过大'] },
      ],
      [
        () => formBytes({ body: Buffer.alloc(2 * 1024 * 1024 + 1) }),
        '',
        {},
        { status: 413, titles: ['The file is too large', '文件过大'] },
      ],
      [
        () => formBytes({ head: textPart('other'), body: 'x' }),
        '',
        {},
        { status: 400, titles: ['No file came', '没有收到文件'] },
      ],
      [
        () => formBytes({ body: bytes }).subarray(0, 900),
        '',
        {},
        { status: 400, titles: ['The upload broke off', '上传中断'] },
      ],
      [
        () => formBytes({ body: bytes }),
        `?md5=${'f'.repeat(32)}`,
        {},
        { status: 422, titles: ['The file has another MD5 than declared', '文件与所声明的 MD5 不符'] },
      ],
    ]
    for (const [form, query, headers, expected] of cases) {
      const answer = await both(form, query, headers)
      expect(answer).toMatchObject(expected)
      // The server's own words, with the numbers.
      expect(answer.en).toMatch(/<p class="detail" lang="en">.+<\/p>/)
    }
  })

  it('says that the disk is full', async () => {
    const roomy = await TestServer.start()
    const answer = await ask(roomy.url, '/upload', {
      method: 'POST',
      headers: { 'content-type': FORM_TYPE, 'content-length': String(10 ** 15), accept: BROWSERS.Chrome },
      body: never(),
    })
    await roomy.stop()
    expect(answer?.status).toBe(507)
    expect(answer?.body.toString()).toContain('<h1>The server has no room for this file</h1>')
  })

  it('shows a hostile name as what it is', async () => {
    const escaped =
      '&quot;&gt;&lt;script&gt;alert(&#39;1&#39;)&amp;amp;&lt;!--&lt;img src=x onerror=alert(1)&gt;.txt'
    const { bytes, md5: hash } = content(1000)
    const forms: [Buffer, string][] = [
      [formBytes({ body: bytes }), `?filename=${encodeURIComponent(HOSTILE)}`],
      [formBytes({ head: filePart(HOSTILE.replace('"', '%22')), body: content(1000).bytes }), ''],
      // Known already: now the name comes from the ledger.
      [formBytes({ body: bytes }), `?md5=${hash}`],
    ]
    for (const [form, query] of forms) {
      const page = (await send(form, query)).body.toString()
      expect(page).toContain(`<p>${escaped}</p>`)
      expect(page).not.toMatch(/<(script|img|!--)/)
    }
  })

  it('says nothing of the name in the address where it refuses, hostile as it may be', async () => {
    const query = `?md5=${encodeURIComponent(HOSTILE)}&filename=${encodeURIComponent(HOSTILE)}`
    const { status, body } = await send(formBytes({ body: 'x' }), query)
    expect(status).toBe(400)
    expect(body.toString()).not.toMatch(/alert|<(script|img|!--)/)
  })

  it('is told in words where the server wants a token, or the form is another site’s', async () => {
    const closed = await TestServer.start({ env: { UPLOAD_TOKEN: 'a-token-of-thirty-two-characters!' } })
    try {
      const sent = async (headers: Record<string, string>) => {
        const form = formBytes({ body: 'x' })
        const {
          status,
          body,
          headers: answered,
        } = (await ask(closed.url, '/upload', {
          method: 'POST',
          headers: { 'content-type': FORM_TYPE, 'content-length': String(form.length), ...headers },
          body: form,
        }))!
        return [status, answered['content-type'], body.toString()]
      }
      const html = [expect.any(Number), 'text/html; charset=utf-8']
      const accept = BROWSERS.Chrome
      expect(await sent({ accept })).toEqual([...html, expect.stringContaining('wants a token')])
      expect(await sent({ accept, ...CHINESE })).toEqual([...html, expect.stringContaining('需要令牌')])
      const foreign = { 'sec-fetch-site': 'cross-site', origin: 'http://evil.example' }
      expect(await sent({ accept, ...foreign })).toEqual([...html, expect.stringContaining('another site')])
      const json = 'application/json; charset=utf-8'
      expect(await sent({ accept: '*/*' })).toEqual([401, json, expect.stringContaining('unauthorized')])
    } finally {
      await closed.stop()
    }
  })

  describe('and everybody else gets JSON, to the byte', () => {
    it.each(Object.entries(PROGRAMS))('with Accept %s', async (_who, accept) => {
      const { bytes, md5: hash } = content(1000)
      const headers: Record<string, string> = {
        'content-type': FORM_TYPE,
        ...CHINESE,
        ...(accept === undefined ? {} : { accept }),
      }
      const json = async (query: string, body: Buffer | AsyncIterable<Buffer>, more = {}) => {
        const answer = await ask(server.url, `/upload${query}`, {
          method: 'POST',
          headers: { ...headers, ...more },
          body,
        })
        const { date, ...rest } = answer!.headers
        expect(date).toBeDefined()
        expect(rest).toEqual({
          'cross-origin-resource-policy': 'same-origin',
          'content-type': 'application/json; charset=utf-8',
          'content-length': String(answer!.body.length),
          connection: 'close',
        })
        return `${answer!.status} ${answer!.body.toString()}`
      }
      const form = formBytes({ body: bytes })
      const url = link(hash)
      const facts = `"url":"${url}","md5":"${hash}","sha256":"${sha256(bytes)}"`
      expect(await json('', form)).toBe(`200 {"status":"ok",${facts}}`)
      expect(await json(`?md5=${hash}`, never())).toBe(`200 {"status":"exists",${facts}}`)
      expect(await json('?md5=x', never())).toBe(
        '400 {"status":"error","code":"bad-md5","message":"md5 must be 32 hex digits"}',
      )
      expect(await json('', never(), { 'content-length': '50000000' })).toBe(
        '413 {"status":"error","code":"too-large","message":"this server takes files up to 2097152 bytes"}',
      )
      expect(await json('', Buffer.from(`--${BOUNDARY}--\r\n`))).toBe(
        '400 {"status":"error","code":"missing-field","message":"the form has no field \\"file\\""}',
      )
    })
  })
})

describe.skipIf(missing('chromium'))(`Chromium with script turned off${missing('chromium')}`, () => {
  let server: TestServer
  let browser: Browser
  let dir: string
  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'ferry-form-'))
    server = await TestServer.start()
    browser = await chromium.launch({
      executablePath: find('chromium')!,
      args: ['--no-sandbox', '--disable-gpu'],
    })
  })
  afterAll(async () => {
    await browser.close()
    await server.stop()
    await rm(dir, { recursive: true })
  })

  it.each(['en-US', 'zh-CN'])('uploads a file, shows its link, and goes back (%s)', async (locale) => {
    const context = await browser.newContext({ javaScriptEnabled: false, locale })
    const page = await context.newPage()
    const complaints: string[] = []
    page.on('console', (message) => complaints.push(message.text()))
    const { bytes, md5: hash } = content(100_000)
    const name = '旅行 & "notes".txt'
    await writeFile(join(dir, name), bytes)
    await page.goto(server.url)
    await page.getByLabel('Choose a file / 选择文件').setInputFiles(join(dir, name))
    await page.getByRole('button', { name: 'Upload / 上传' }).click()
    const found = page.getByRole('link', { name: `${hash}.txt` })
    expect(await found.getAttribute('href')).toBe(`${server.url}/files/${hash}.txt`)
    expect(await page.locator('html').getAttribute('lang')).toBe(locale === 'zh-CN' ? 'zh-CN' : 'en')
    await page.getByText(name, { exact: true }).waitFor()
    // The style is let in by its hash.
    expect((await found.boundingBox())!.height).toBeGreaterThan(24)
    expect(complaints).toEqual([])
    await page.getByRole('link', { name: locale === 'zh-CN' ? '返回' : 'Back' }).click()
    expect(page.url()).toBe(`${server.url}/`)
    await page.getByRole('button', { name: 'Upload / 上传' }).waitFor()
    await context.close()
  })
})

/** A body that never comes. */
async function* never(): AsyncGenerator<Buffer> {
  await new Promise(() => undefined)
  yield Buffer.alloc(0)
}

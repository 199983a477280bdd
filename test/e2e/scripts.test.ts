import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { chromium, type Browser, type BrowserContext, type Page } from 'playwright-core'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { QUIET } from '../support/browser.js'
import { filePart, formBytes, post } from '../support/form.js'
import { TestServer } from '../support/server.js'
import { find, missing } from '../support/tools.js'
import { CALLS, CODE, FRAMES, PAGES, STYLES, TAME_PAGES, type Trap } from '../support/traps.js'

const run = promisify(execFile)

/** Each of these names is brought with a page in it and with code in it. */
const NAMES =
  'html htm shtml xht xhtml svg svgz xml xsl xslt rss atom rdf kml gpx xsd dtd mathml mml mhtml mht hta htc vbs swf ' +
  'php asp aspx jsp cgi jar eml ics vcf appcache webmanifest manifest js mjs cjs jsx ts css wasm json json5 jsonld ' +
  'md txt log csv yaml yml ini vtt srt jpg jpeg png gif webp avif bmp ico pdf mp4 m4v webm mkv mov ogv mp3 m4a aac ' +
  'ogg oga opus flac wav m3u8 mpd zip gz exe apk bin unknown123'
const ODD_NAMES = [
  'no extension',
  'UPPER.HTML',
  'Upper.SvG',
  'photo.jpg.html',
  'page.html.jpg',
  'page.html.',
  'page.html ',
  'page.html;.png',
  'page.html\0.png',
  'page.\u202Elmth',
  'page.html?.mp4',
  '.htaccess',
  'page.html/',
]
/** What else is brought under some of them, as it would be in nature. */
const NATURAL: Record<string, string> = {
  svg: 'svg',
  svgz: 'svg',
  xhtml: 'xhtml',
  xht: 'xhtml',
  xml: 'xml',
  rss: 'xml',
  xsl: 'xml',
  kml: 'xml',
  mhtml: 'mhtml',
  mht: 'mhtml',
  eml: 'mhtml',
  pdf: 'pdf',
  jpg: 'jpegAndHtml',
  jpeg: 'svg',
  png: 'pngAndHtml',
  ico: 'svg',
  zip: 'zipAndHtml',
  gif: 'gifAndJs',
  json: 'jsonAndJs',
  txt: 'pdfAndHtml',
  css: 'css',
  webp: 'css',
}

describe.skipIf(missing('chromium'))(`a file with script in it, in Chromium${missing('chromium')}`, () => {
  /** What a careless server does: it sends every file as what it says it is. It hears of every script that ran. */
  let careless: Server
  let site: string
  let server: TestServer
  let browser: Browser
  let context: BrowserContext
  let page: Page
  const served = new Map<string, Trap>()
  const ran = new Set<string>()
  /** Each file at our address and at the careless server's. */
  const files: { who: string; kind: string; ours: string; theirs: string }[] = []

  beforeAll(async () => {
    careless = createServer((req, res) => {
      const { pathname, search } = new URL(req.url!, 'http://site')
      if (pathname === '/ran') ran.add(search.slice(1))
      const { type, bytes } = served.get(pathname) ?? { type: 'text/html', bytes: '<!doctype html>' }
      res.writeHead(200, { 'content-type': type }).end(bytes)
    }).listen(0, '127.0.0.1')
    await once(careless, 'listening')
    site = `http://127.0.0.1:${(careless.address() as AddressInfo).port}`
    server = await TestServer.start()
    browser = await chromium.launch({ executablePath: find('chromium')!, args: QUIET })
    for (const name of [...NAMES.split(' ').map((extension) => `file.${extension}`), ...ODD_NAMES])
      for (const kind of kindsOf(name)) await bring(name, kind)
  })
  afterAll(async () => {
    await browser.close()
    careless.close()
    await server.stop()
  })
  beforeEach(async () => {
    await context?.close()
    ran.clear()
    context = await browser.newContext({ acceptDownloads: false })
    context.on('console', (message) => {
      if (message.text().startsWith('ran ')) ran.add(message.text().slice(4))
    })
    page = await context.newPage()
  })

  function kindsOf(name: string): Set<string> {
    const natural = NATURAL[name.split('.').at(-1)!]
    return new Set(['html', 'js', ...(natural === undefined ? [] : [natural])])
  }

  async function bring(name: string, kind: string): Promise<void> {
    const who = `${files.length}-${kind}`
    const { type, bytes } = (PAGES[kind] ?? TAME_PAGES[kind] ?? CODE[kind] ?? STYLES[kind])!(site, who)
    // Both the name and the type are the sender's to say.
    const head = `Content-Disposition: form-data; name="file"; filename="x"\r\nContent-Type: ${type}`
    const { reply } = await post(server.url, formBytes({ head, body: bytes }), { query: { filename: name } })
    expect(reply).toMatchObject({ status: 'ok' })
    const path = `/files/${who}`
    served.set(path, { type, bytes })
    files.push({
      who,
      kind,
      ours: String(reply['url']).replace(/^.*(?=\/files\/)/, server.url),
      theirs: site + path,
    })
  }

  const of = (...kinds: Record<string, unknown>[]) =>
    files.filter(({ kind }) => kinds.some((table) => Object.hasOwn(table, kind)))
  /** Who is expected to run where nobody minds: one of each kind. */
  const oneOfEach = (...kinds: Record<string, unknown>[]) =>
    kinds.flatMap((table) => Object.keys(table)).map((kind) => files.find((file) => file.kind === kind)!)
  /** A trap that is opened after all others has snapped: so had they, if they could. */
  const settle = async () => {
    const [last] = oneOfEach({ html: true })
    const other = await context.newPage()
    await other.goto(last!.theirs)
    await expect.poll(() => ran.has(last!.who)).toBe(true)
    await other.close()
    ran.delete(last!.who)
  }
  const marks = () =>
    page.evaluate(`(async () => [
      document.title,
      localStorage.getItem('ran'),
      (await indexedDB.databases()).some(({ name }) => name === 'ran'),
    ])()`)
  const expectNothingRan = async () => {
    await settle()
    expect([...ran]).toEqual([])
    await page.goto(`${server.url}/healthz`)
    expect(await marks()).toEqual(['', null, false])
  }

  it('is brought under more than sixty extensions, and each has a link', () => {
    const extensions = new Set(files.map(({ ours }) => ours.split('.').at(-1)))
    expect(extensions.size).toBeGreaterThan(80)
    expect(files.length).toBeGreaterThan(200)
  })

  describe('runs at a careless server: these traps can snap', () => {
    it.each(Object.keys(PAGES))('opened (%s), and then leaves its marks', async (kind) => {
      const [file] = oneOfEach({ [kind]: true })
      await page.goto(file!.theirs)
      await expect.poll(() => [...ran]).toEqual([file!.who])
      if (kind === 'html') expect(await marks()).toEqual([`ran ${file!.who}`, file!.who, true])
    })

    it.each(Object.keys(FRAMES))('within %s', async (how) => {
      await page.goto(site)
      const shown = oneOfEach({ html: true, svg: true })
      await show(
        how,
        shown.map(({ theirs }) => theirs),
      )
      await expect.poll(() => ran.size).toBeGreaterThan(0)
    })

    it.each(Object.keys(CALLS))('called as %s', async (how) => {
      await page.goto(site)
      const kind = how.includes('style') ? STYLES : { js: true }
      const links = oneOfEach(kind).map(({ theirs }) => theirs)
      expect(await call(how, links)).toEqual(links)
    })
  })

  describe('does not run from the shelf', () => {
    it('where its link is opened', async () => {
      for (const { ours } of of(PAGES, TAME_PAGES)) await page.goto(ours).catch(() => undefined) // a download is no page
      await expectNothingRan()
    })

    it('but shows where it is a PDF, and its own script, which the viewer runs, reaches nothing of ours', async () => {
      const [file] = oneOfEach({ pdf: true })
      const response = await page.goto(file!.ours)
      expect(response!.headers()['content-type']).toBe('application/pdf')
      expect(response!.headers()['content-disposition']).toMatch(/^inline/)
      // Only the viewer asks again, from within.
      await expect.poll(() => page.frames().filter((frame) => frame.url() === file!.ours).length).toBe(2)
      await expectNothingRan()
    })

    // The page has a policy; the answer of /healthz is of the same origin and has none.
    it.each([
      ['/', 'a frame'],
      ['/healthz', 'a frame'],
      ['/healthz', 'an object'],
      ['/healthz', 'an embed'],
    ])('within our own %s, in %s', async (path, how) => {
      // Without the PDFs, which are opened above: Chromium now and then crashes on a page with viewers among its frames.
      const links = of(PAGES, TAME_PAGES)
        .map(({ ours }) => ours)
        .filter((link) => !link.endsWith('.pdf'))
      const answered = new Set<string>()
      page.on('response', (response) => answered.add(response.url()))
      await page.goto(server.url + path)
      await show(how, links)
      await expect.poll(() => links.filter((link) => !answered.has(link)), { timeout: 30_000 }).toEqual([])
      await expectNothingRan()
    })

    it.each(['/', '/healthz'])(
      'called by our own %s as code or style, in any way',
      { timeout: 120_000 },
      async (path) => {
        await page.goto(server.url + path)
        const links = of(CODE, STYLES).map(({ ours }) => ours)
        for (const how of Object.keys(CALLS)) expect([how, await call(how, links)]).toEqual([how, []])
        await expectNothingRan()
      },
    )
  })

  async function show(how: string, links: string[]): Promise<void> {
    const html = links.map(FRAMES[how]!).join('')
    await page.evaluate(`document.body.insertAdjacentHTML('beforeend', ${JSON.stringify(html)})`)
  }

  function call(how: string, links: string[]): Promise<unknown> {
    return page.evaluate(`(${CALLS[how]})(${JSON.stringify(links)})`)
  }
})

describe.skipIf(missing('chromium', 'ffmpeg'))(
  `a file without script, in Chromium${missing('chromium', 'ffmpeg')}`,
  () => {
    let dir: string
    let server: TestServer
    let browser: Browser
    let page: Page
    beforeAll(async () => {
      dir = await mkdtemp(join(tmpdir(), 'ferry-shown-'))
      server = await TestServer.start()
      browser = await chromium.launch({ executablePath: find('chromium')!, args: QUIET })
      page = await browser.newPage()
    })
    afterAll(async () => {
      await browser.close()
      await server.stop()
      await rm(dir, { recursive: true })
    })

    const PICTURE = ['-f', 'lavfi', '-i', 'testsrc2=size=64x48:rate=10']
    const SOUND = ['-f', 'lavfi', '-i', 'sine=440']

    it.each(['png', 'jpg', 'jpeg', 'gif', 'webp', 'bmp', 'ico'])(
      'shows as a picture: %s',
      async (extension) => {
        const link = await store(extension, await make(extension, ...PICTURE, '-frames:v', '1'))
        await page.goto(link)
        expect(await page.evaluate('document.images[0].naturalWidth')).toBe(64)
        await page.goto(server.url)
        expect(await widthOf(link)).toBe(64)
      },
    )

    it.each([
      ['mp4', [...PICTURE, '-pix_fmt', 'yuv420p']],
      ['webm', [...PICTURE, '-deadline', 'realtime']],
      ['mp3', SOUND],
      ['wav', SOUND],
      ['ogg', [...SOUND, '-c:a', 'libopus']],
      ['flac', SOUND],
    ])('plays: %s', async (extension, source) => {
      const link = await store(extension, await make(extension, ...source, '-t', '2'))
      for (const opened of [link, `${server.url}/healthz`]) {
        await page.goto(opened)
        expect(await plays(link)).toBeGreaterThan(0)
      }
    })

    it('does not show an SVG, not even as a picture: it is saved', async () => {
      const svg = '<svg xmlns="http://www.w3.org/2000/svg" width="64" height="48"></svg>'
      const link = await store('svg', Buffer.from(svg))
      await page.goto(`${server.url}/healthz`)
      expect(await widthOf(`data:image/svg+xml,${encodeURIComponent(svg)}`)).toBe(64)
      expect(await widthOf(link)).toBe(0)
      const download = page.waitForEvent('download')
      await page.goto(link).catch(() => undefined)
      expect((await download).suggestedFilename()).toBe('file.svg')
    })

    async function make(extension: string, ...args: string[]): Promise<Buffer> {
      const path = join(dir, `file.${extension}`)
      await run('ffmpeg', ['-loglevel', 'error', '-y', ...args, path])
      return readFile(path)
    }

    async function store(extension: string, bytes: Buffer): Promise<string> {
      const form = formBytes({ head: filePart(`file.${extension}`), body: bytes })
      return String((await post(server.url, form)).reply['url']).replace(/^.*(?=\/files\/)/, server.url)
    }

    /** The width of a picture on the page; 0 where it is none. */
    function widthOf(link: string): Promise<unknown> {
      return page.evaluate(`new Promise((resolve) => {
        const image = new Image()
        image.onload = image.onerror = () => resolve(image.naturalWidth)
        image.src = ${JSON.stringify(link)}
      })`)
    }

    /** Plays the file, be it opened or on a page; resolves with the time that it has come to, in seconds. */
    function plays(link: string): Promise<unknown> {
      return page.evaluate(`(async () => {
        const media = document.querySelector('video') ?? document.createElement('video')
        if (!media.isConnected) document.body.append(Object.assign(media, { src: ${JSON.stringify(link)} }))
        media.muted = true
        await media.play()
        while (media.currentTime === 0) await new Promise((resolve) => (media.ontimeupdate = resolve))
        return media.currentTime
      })()`)
    }
  },
)

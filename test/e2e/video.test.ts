import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { chromium, type Browser, type Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { QUIET } from '../support/browser.js'
import { filePart, formBytes, post } from '../support/form.js'
import { pdf } from '../support/pdf.js'
import { TestServer } from '../support/server.js'
import { find, missing } from '../support/tools.js'

const run = promisify(execFile)

describe.skipIf(missing('chromium'))(`in Chromium${missing('chromium')}`, () => {
  let dir: string
  let server: TestServer
  let browser: Browser
  let page: Page
  /** Another site: it serves pages, and hears of every script that ran. */
  let site: Server
  let origin: string
  let ran: string[] = []
  const pages = new Map<string, { type: string; body: string }>()
  beforeAll(async () => {
    site = createServer((req, res) => {
      const url = new URL(req.url!, 'http://site')
      if (url.pathname === '/ran') ran.push(url.search)
      const { type, body } = pages.get(url.pathname) ?? { type: 'text/html', body: '' }
      res.writeHead(200, { 'content-type': type }).end(body)
    })
    site.listen(0, '127.0.0.1')
    await once(site, 'listening')
    origin = `http://127.0.0.1:${(site.address() as AddressInfo).port}`
    dir = await mkdtemp(join(tmpdir(), 'ferry-video-'))
    server = await TestServer.start()
    browser = await chromium.launch({ executablePath: find('chromium')!, args: QUIET })
    page = await browser.newPage()
  })
  afterAll(async () => {
    await browser.close()
    site.close()
    await server.stop()
    await rm(dir, { recursive: true })
  })

  /** Brings a file through the form; its link without the extension. */
  const store = async (name: string, bytes: Buffer | string): Promise<string> => {
    const { reply } = await post(server.url, formBytes({ head: filePart(name), body: bytes }))
    expect(reply).toMatchObject({ status: 'ok' })
    return `${server.url}/files/${String(reply['md5'])}`
  }
  const make = async (name: string, ...args: string[]): Promise<Buffer> => {
    await run('ffmpeg', ['-loglevel', 'error', '-y', ...args, join(dir, name)])
    return readFile(join(dir, name))
  }

  describe.skipIf(missing('ffmpeg'))(`a video${missing('ffmpeg')}`, () => {
    const PICTURE = ['-f', 'lavfi', '-i', 'testsrc2=size=640x360:rate=25', '-f', 'lavfi', '-i', 'sine=440']
    const H264 = [
      '-c:v',
      'libx264',
      '-preset',
      'ultrafast',
      '-b:v',
      '4M',
      '-pix_fmt',
      'yuv420p',
      '-c:a',
      'aac',
    ]
    const VP9 = [
      '-c:v',
      'libvpx-vp9',
      '-deadline',
      'realtime',
      '-cpu-used',
      '8',
      '-b:v',
      '1M',
      '-c:a',
      'libopus',
    ]

    it('of type mp4 plays and seeks, loading only what it shows', async () => {
      // ffmpeg writes the index to the end of an mp4: it can't be played without a range.
      const bytes = await make('a.mp4', ...PICTURE, '-t', '20', ...H264)
      const link = `${await store('影片.mp4', bytes)}.mp4`
      const ranges: string[] = []
      page.on('request', (request) => ranges.push(request.headers()['range'] ?? ''))
      await plays(link, 20)
      const starts = ranges.map((range) => Number(/^bytes=(\d+)-/.exec(range)?.[1] ?? 0))
      expect(Math.max(...starts)).toBeGreaterThan(bytes.length / 2)
    })

    it('that came without an extension plays under its .mp4 link, too', async () => {
      const link = await store('no extension', await make('b.mp4', ...PICTURE, '-t', '5', ...H264))
      await plays(`${link}.mp4`, 5)
    })

    it('of type webm plays and seeks', async () => {
      const link = await store('c.webm', await make('c.webm', ...PICTURE, '-t', '5', ...VP9))
      await plays(`${link}.webm`, 5)
    })

    it('plays on a page of another site', async () => {
      const link = await store('d.mp4', await make('d.mp4', ...PICTURE, '-t', '5', ...H264, '-b:v', '1M'))
      pages.set('/video.html', { type: 'text/html', body: `<video src="${link}.mp4"></video>` })
      await page.goto(`${origin}/video.html`)
      await playsOn(5)
    })

    it('plays as sound alone', async () => {
      const link = await store('e.mp3', await make('e.mp3', '-f', 'lavfi', '-i', 'sine=440', '-t', '5'))
      await page.goto(`${link}.mp3`)
      await playsOn(5)
    })

    async function plays(link: string, seconds: number): Promise<void> {
      await page.goto(link)
      await playsOn(seconds)
      expect(await page.evaluate('document.querySelector("video").videoWidth')).toBe(640)
    }

    /** Plays what is on the page, seeks to its second half and plays on from there. */
    async function playsOn(seconds: number): Promise<void> {
      const seen = (await page.evaluate(`(async () => {
        const video = document.querySelector('video')
        const next = (event) => new Promise((resolve, reject) => {
          video.addEventListener(event, resolve, { once: true })
          video.addEventListener('error', () => reject(new Error(video.error?.message)), { once: true })
        })
        video.muted = true
        await video.play()
        if (video.currentTime === 0) await next('timeupdate')
        video.pause()
        video.currentTime = video.duration * 0.6
        await next('seeked')
        const from = video.currentTime
        await video.play()
        while (video.currentTime <= from) await next('timeupdate')
        return { duration: video.duration, from, to: video.currentTime }
      })()`)) as { duration: number; from: number; to: number }
      expect(seen.duration).toBeGreaterThan(seconds - 1)
      expect(seen.from).toBeGreaterThan(seconds / 2)
      expect(seen.to).toBeGreaterThan(seen.from)
    }
  })

  describe('is shown', () => {
    it.skipIf(missing('ffmpeg'))(`a picture${missing('ffmpeg')}`, async () => {
      const link = await store(
        'p.png',
        await make('p.png', '-f', 'lavfi', '-i', 'color=red:size=320x200', '-frames:v', '1'),
      )
      await page.goto(`${link}.png`)
      await expect.poll(redPixels).toBeGreaterThan(50_000)
    })

    it('a PDF', async () => {
      const link = await store('p.pdf', pdf())
      await page.goto(`${link}.pdf`)
      await expect.poll(redPixels, { timeout: 20_000 }).toBeGreaterThan(20_000)
    })

    it('a text, as it was written', async () => {
      const text = '<b>规则</b> & <script>document.title = "ran"</script>'
      const link = await store('readme.md', text)
      await page.goto(`${link}.md`)
      expect(await page.evaluate('document.body.innerText')).toBe(text)
      expect(await page.title()).not.toBe('ran')
    })

    /** How many red points there are on the screen. */
    async function redPixels(): Promise<number> {
      const shot = (await page.screenshot()).toString('base64')
      const counter = await browser.newPage()
      const red = await counter.evaluate(`(async () => {
        const image = new Image()
        image.src = 'data:image/png;base64,${shot}'
        await image.decode()
        const canvas = Object.assign(document.createElement('canvas'), { width: image.width, height: image.height })
        const context = canvas.getContext('2d')
        context.drawImage(image, 0, 0)
        const { data } = context.getImageData(0, 0, image.width, image.height)
        let red = 0
        for (let at = 0; at < data.length; at += 4) red += data[at] > 200 && data[at + 1] < 60 && data[at + 2] < 60
        return red
      })()`)
      await counter.close()
      return red as number
    }
  })

  describe('no script runs', () => {
    afterEach(() => {
      ran = []
    })

    /** A script that tells the site, whatever a policy leaves it. */
    const script = (who: string) =>
      `new Image().src = '${origin}/ran?${who}'; try { top.location = '${origin}/ran?${who}' } catch {} location = '${origin}/ran?${who}'`
    const html = () =>
      `<!doctype html><title>x</title><body onload="${script('handler')}"><script>${script('html')}</script>`
    const svg = () =>
      `<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9" onload="${script('handler')}"><script>${script('svg')}</script></svg>`
    const visit = async (url: string) => {
      await page.goto(url).catch(() => undefined) // a download is no page
      await page.waitForTimeout(500)
    }

    it('of an html or svg elsewhere does run: these traps can snap', async () => {
      pages.set('/trap.html', { type: 'text/html', body: html() })
      pages.set('/trap.svg', { type: 'image/svg+xml', body: svg() })
      for (const name of ['trap.html', 'trap.svg']) {
        await visit(`${origin}/${name}`)
        await expect.poll(() => ran.length, { message: name }).toBeGreaterThan(0)
        ran = []
      }
    })

    it('of an html or svg on the shelf, opened under any extension', async () => {
      for (const body of [html(), svg()]) {
        const link = await store('trap.html', body)
        const shown = [
          'html',
          'htm',
          'xhtml',
          'svg',
          'xml',
          'txt',
          'md',
          'json',
          'png',
          'ico',
          'pdf',
          'mp4',
          'bin',
        ]
        for (const extension of shown) await page.goto(`${link}.${extension}`).catch(() => undefined)
      }
      await page.waitForTimeout(500)
      expect(ran).toEqual([])
    })

    it('of an html is offered as a file to save', async () => {
      const link = await store('trap.html', html())
      const download = page.waitForEvent('download')
      await page.goto(`${link}.html`).catch(() => undefined)
      expect((await download).suggestedFilename()).toBe('trap.html')
    })

    it('of a file on the shelf that another page embeds or calls', async () => {
      const [page1, picture, code] = [
        await store('trap.html', html()),
        await store('trap.svg', svg()),
        await store('trap.js', script('js')),
      ]
      const frames = [
        `${page1}.html`,
        `${page1}.txt`,
        `${page1}.png`,
        `${picture}.svg`,
        `${picture}.ico`,
      ].flatMap((url) => [
        `<iframe src="${url}"></iframe>`,
        `<object data="${url}" type="text/html"></object>`,
        `<embed src="${url}" type="image/svg+xml">`,
      ])
      const scripts = ['js', 'mjs', 'css', 'txt', 'json', 'bin', 'mp4', 'pdf'].flatMap((extension) => [
        `<script src="${code}.${extension}"></script>`,
        `<script type="module" src="${code}.${extension}"></script>`,
      ])
      pages.set('/embeds.html', { type: 'text/html', body: [...frames, ...scripts].join('\n') })
      await visit(`${origin}/embeds.html`)
      expect(ran).toEqual([])
      pages.set('/script.js', { type: 'text/javascript', body: script('js') })
      pages.set('/calls.html', { type: 'text/html', body: '<script src="/script.js"></script>' })
      await visit(`${origin}/calls.html`)
      await expect.poll(() => ran.length).toBeGreaterThan(0)
    })
  })
})

import { spawnSync } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { chromium, type Browser, type Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { TestServer } from '../support/server.js'
import { find, missing } from '../support/tools.js'
import { md5, stockUpload } from '../support/tus.js'

const why = missing('chromium', 'ffmpeg')

describe.skipIf(why)(`a link in a browser${why}`, () => {
  let server: TestServer
  let browser: Browser
  let page: Page
  beforeAll(async () => {
    server = await TestServer.start()
    browser = await chromium.launch({
      executablePath: find('chromium')!,
      args: ['--no-sandbox', '--disable-gpu', '--no-first-run', '--disable-background-networking'],
    })
    page = await browser.newPage()
  })
  afterAll(async () => {
    await browser?.close()
    await server.stop()
  })

  const store = async (bytes: Buffer, filename: string) => {
    await stockUpload(server.url, bytes, { metadata: { filename } })
    return md5(bytes)
  }

  it('plays and seeks a stored video, opened by its own link or by one that an early .bin name left behind', async () => {
    const path = join(server.dir, 'clip.webm')
    const source = '-f lavfi -i testsrc=duration=6:size=320x240:rate=15'
    const made = spawnSync(
      'ffmpeg',
      `-loglevel error ${source} -c:v libvpx -b:v 800k -g 15 ${path}`.split(' '),
    )
    expect(made.status).toBe(0)
    const hash = await store(await readFile(path), 'clip.bin')
    const response = await page.goto(`${server.url}/files/${hash}.webm`)
    expect(response!.headers()['content-type']).toBe('video/webm')
    const reached = await page.evaluate<{ at: number; length: number; width: number }>(`(async () => {
      const video = document.querySelector('video')
      video.muted = true
      await video.play()
      const seeked = new Promise((resolve) => video.addEventListener('seeked', resolve, { once: true }))
      video.currentTime = 4
      await seeked
      return { at: video.currentTime, length: video.duration, width: video.videoWidth }
    })()`)
    expect(reached.at).toBeGreaterThanOrEqual(4)
    expect(reached.length).toBeGreaterThan(5)
    expect(reached.width).toBe(320)
  })

  it('runs no script from the shelf, be it html, svg or a script that another page asks for', async () => {
    const script = 'document.title = "ran"; window.ran = true'
    const html = await store(Buffer.from(`<script>${script}</script>`), 'a.html')
    const svg = await store(
      Buffer.from(`<svg xmlns="http://www.w3.org/2000/svg"><script>${script}</script></svg>`),
      'a.svg',
    )
    const js = await store(Buffer.from(script), 'a.js')
    for (const name of [`${html}.html`, `${svg}.svg`, `${html}.txt`, `${svg}.png`]) {
      // A download ends the navigation; whatever is shown must not have run.
      await page.goto(`${server.url}/files/${name}`).catch(() => undefined)
      expect(await page.title()).not.toBe('ran')
    }
    await page.goto(`${server.url}/check`)
    const ran = await page.evaluate<boolean>(`new Promise((resolve) => {
      const element = document.createElement('script')
      element.addEventListener('error', () => resolve(false))
      element.addEventListener('load', () => resolve('ran' in window))
      element.src = '${server.url}/files/${js}.js'
      document.body.append(element)
    })`)
    expect(ran).toBe(false)
  })
})

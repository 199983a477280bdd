/**
 * Takes the pictures of the page that the documents show: a real server, a line to it, a real browser.
 *
 *   npx tsx docs/screens/page.ts [name...]     all of them, or empty, sending, done, … (see PICTURES)
 *
 * Writes docs/screens/page-<name>.<language>.png. Needs chromium and a build (npm run build).
 */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { TestBrowser } from '../../test/support/browser.js'
import { pause } from '../../test/support/server.js'
import { SCENES } from './page-scenes.js'
import { type Language, Stage } from './page-stage.js'

interface Picture {
  scene: keyof typeof SCENES
  language: Language
  colours?: 'dark'
  phone?: boolean
  /** CSS pixels; without it the picture ends where the page does. */
  height?: number
  /** It shows the end of the page and not its beginning. */
  isEnd?: boolean
}

/** So high are those that stand side by side. */
const TALL = 640
const PICTURES: Picture[] = [
  { scene: 'empty', language: 'en', height: TALL },
  { scene: 'empty', language: 'zh-CN', height: TALL },
  { scene: 'dragging', language: 'en', colours: 'dark', height: 480 },
  { scene: 'hashing', language: 'zh-CN' },
  { scene: 'sending', language: 'en' },
  { scene: 'sending', language: 'zh-CN' },
  { scene: 'elsewhere', language: 'en', colours: 'dark' },
  { scene: 'down', language: 'en' },
  { scene: 'paused', language: 'zh-CN', phone: true },
  { scene: 'failed', language: 'en' },
  { scene: 'done', language: 'en', height: TALL },
  { scene: 'done', language: 'zh-CN', height: TALL },
  { scene: 'done', language: 'en', phone: true },
  { scene: 'several', language: 'en', colours: 'dark', height: TALL },
  { scene: 'several', language: 'zh-CN', colours: 'dark', height: TALL },
  { scene: 'earlier', language: 'en', height: TALL, isEnd: true },
  { scene: 'earlier', language: 'zh-CN', height: TALL, isEnd: true },
  { scene: 'token', language: 'en', colours: 'dark', height: 480 },
]
const [WIDTH, PHONE_WIDTH] = [760, 390]

const names = process.argv.slice(2)
for (const picture of PICTURES.filter(({ scene }) => names.length === 0 || names.includes(scene)))
  await take(picture)

async function take(picture: Picture): Promise<void> {
  const { scene, language, colours = 'light', phone = false, isEnd = false } = picture
  const stage = await Stage.open(language, colours, !phone)
  try {
    await resize(stage.browser, picture, 800)
    // That it is on a phone the page finds out when it is loaded.
    if (phone) await stage.visit()
    await SCENES[scene](stage)
    await stage.browser.page.mouse.move(0, 0)
    await hideScrollbar(stage.browser)
    await resize(stage.browser, picture, picture.height ?? (await contentHeight(stage.browser, picture)))
    await stage.browser.page.evaluate(`scrollTo(0, ${isEnd ? 'document.body.scrollHeight' : 0})`)
    await pause(500) // colours change slowly
    const { data } = await stage.browser.cdp.send('Page.captureScreenshot', { format: 'png' })
    const name = `page-${scene}${phone ? '-phone' : ''}.${language}.png`
    await writeFile(join(import.meta.dirname, name), data, 'base64')
    console.log(`docs/screens/${name}`)
  } finally {
    await stage.close()
  }
}

async function resize({ cdp }: TestBrowser, { phone = false }: Picture, height: number): Promise<void> {
  const width = phone ? PHONE_WIDTH : WIDTH
  await cdp.send('Emulation.setDeviceMetricsOverride', { width, height, deviceScaleFactor: 2, mobile: phone })
}

/** The page fills any window, so it is asked in a low one. */
async function contentHeight(browser: TestBrowser, picture: Picture): Promise<number> {
  await resize(browser, picture, 100)
  return browser.page.evaluate('document.documentElement.scrollHeight')
}

/** And the room that is kept for it. */
async function hideScrollbar({ cdp, page }: TestBrowser): Promise<void> {
  await cdp.send('Emulation.setScrollbarsHidden', { hidden: true })
  await page.evaluate(`document.documentElement.style.scrollbarGutter = 'auto'`)
}

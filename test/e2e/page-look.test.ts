import axe from 'axe-core'
import { afterEach, describe, expect, it } from 'vitest'
import type { BrowserOptions } from '../support/browser.js'
import { Gateway } from '../support/gateway.js'
import { MIB, PageScene } from '../support/page-scene.js'
import { Line } from '../support/proxy.js'
import { missing } from '../support/tools.js'

const PHONE = { width: 320, height: 640 }
const WIDE = { width: 1280, height: 900 }

describe.skipIf(missing('chromium'))(`how the page looks${missing('chromium')}`, () => {
  let scene: PageScene
  afterEach(() => scene.close())

  describe.each<BrowserOptions>([
    { colours: 'light', viewport: WIDE, language: 'en-US' },
    { colours: 'dark', viewport: WIDE, language: 'zh-CN' },
    { colours: 'light', viewport: PHONE, language: 'zh-CN' },
    { colours: 'dark', viewport: PHONE, language: 'en-US' },
  ])('$colours, $viewport.width px, $language', (options) => {
    it('is accessible in every state, and fits', { timeout: 120_000 }, async () => {
      scene = await PageScene.open({ ...options, env: { MAX_SIZE: '500MB' } })
      await looksRight('empty')
      await scene.browser.drag(await scene.file('a.bin', 1000))
      await looksRight('dragging')
      await scene.browser.dragOut()
      await scene.choose(await scene.file('一个名字很长的文件，长到一行写不下.tar.gz'.repeat(3), 2 * MIB))
      await until('done')
      await scene.browser.page.locator('.card.done .button').last().focus()
      await scene.browser.page.getByRole('button', { name: /QR|二维码/ }).click()
      await scene.browser.page.getByRole('img', { name: /QR|二维码/ }).waitFor()
      await looksRight('done, with its code')
      scene.line.upRate = MIB
      await scene.choose(await scene.file('build.zip', 100 * MIB))
      await until('sending')
      await looksRight('sending')
      await scene.browser.page.getByRole('button', { name: /^(Pause|暂停)/ }).click()
      await until('paused')
      await looksRight('paused')
      await scene.choose(await scene.file('big.iso', 501 * MIB))
      await looksRight('refused')
      await scene.browser.page.getByRole('button', { name: /^(Go on|继续)/ }).click()
      await until('sending')
      await scene.server.kill()
      scene.line.cut()
      await until('down')
      await looksRight('down')
      await scene.server.start()
      await scene.visit()
      await scene.browser.page.locator('.unfinished').waitFor()
      await scene.browser.page.locator('summary').click()
      await looksRight('unfinished, and earlier links')
    })
  })

  it('asks for the token where the server wants one, and goes on with it', async () => {
    scene = await PageScene.open()
    const { page } = scene.browser
    const gateway = await Gateway.to(scene.server.port)
    gateway.refuses = ({ url, headers }) =>
      /^\/(check|tus|upload)/.test(url ?? '') && headers.authorization !== 'Bearer s3cret' ? 401 : undefined
    const line = await Line.to(gateway.port)
    try {
      await scene.browser.open(`http://${line.address}/`)
      await scene.choose(await scene.file('a.bin', 300_000))
      const token = page.getByLabel('Token', { exact: true })
      await token.waitFor()
      await looksRight('token')
      await token.fill('wrong')
      await token.press('Enter')
      await page.getByText('The server has refused this token').waitFor()
      await looksRight('wrong token')
      await token.fill('s3cret')
      await token.press('Enter')
      await scene.browser.card('a.bin').untilLink()
      await scene.browser.open(`http://${line.address}/`)
      await scene.choose(await scene.file('b.bin', 300_000))
      await scene.browser.card('b.bin').untilLink()
      const kept: number = await page.evaluate('localStorage.length')
      expect(kept).toBe(0)
    } finally {
      await line.close()
      await gateway.close()
    }
  })

  it('can be used with the keyboard alone', async () => {
    scene = await PageScene.open()
    const { page } = scene.browser
    const path = await scene.file('a.bin', 300_000)
    const reach = async (name: string): Promise<void> => {
      for (let presses = 0; presses < 40; presses++) {
        await page.keyboard.press('Tab')
        const focused: string = await page.evaluate(
          '(document.activeElement.labels?.[0] ?? document.activeElement).textContent.trim()',
        )
        if (focused.includes(name)) return
      }
      throw new Error(`Tab never comes to ${name}`)
    }
    // Long before the key: a browser that is told too late opens a dialog of its own.
    const chosen = page.waitForEvent('filechooser')
    await reach('Choose files')
    await page.keyboard.press('Enter')
    await (await chosen).setFiles(path)
    await scene.browser.card('a.bin').untilLink()
    await reach('Copy link')
    await page.keyboard.press('Enter')
    await reach('QR code')
    await page.keyboard.press('Enter')
    await page.getByRole('img', { name: /QR code/ }).waitFor()
    await reach('Remove from list')
    await page.keyboard.press('Enter')
    expect(await scene.browser.cards()).toEqual([])
    expect(await page.evaluate('document.activeElement !== document.body')).toBe(true)
  })

  it('tells a screen reader what has come of a file', async () => {
    scene = await PageScene.open()
    await scene.choose(await scene.file('a.bin', 1000))
    await scene.browser.page.getByRole('status').filter({ hasText: 'the link is ready' }).waitFor()
  })

  it('speaks the reader’s language, and the other one when asked to', async () => {
    scene = await PageScene.open({ language: 'zh-CN' })
    const { page } = scene.browser
    const language = () => page.evaluate('document.documentElement.lang')
    expect(await language()).toBe('zh-CN')
    await page.getByRole('button', { name: 'English' }).click()
    await page.getByRole('heading', { name: /get the link/ }).waitFor()
    expect(await language()).toBe('en')
    await scene.visit()
    expect(await language()).toBe('en')
  })

  it('tells how far it is in its title, and asks before it is left', async () => {
    scene = await PageScene.open()
    const { page } = scene.browser
    scene.line.upRate = 4 * MIB
    await scene.choose(await scene.file('build.zip', 40 * MIB))
    await expect.poll(() => page.title(), { timeout: 20_000 }).toMatch(/^[1-9]\d?\s?% · Ferry$/)
    await page.locator('h1').click() // a page that nobody has touched may not ask
    const asked = page.waitForEvent('dialog')
    await scene.visit()
    expect((await asked).type()).toBe('beforeunload')
  })

  it('loads at most 80 KiB, breaks no policy of its own, and keeps still while it sends', async () => {
    scene = await PageScene.open()
    const { page, cdp } = scene.browser
    await cdp.send('Network.enable')
    await cdp.send('Network.setCacheDisabled', { cacheDisabled: true })
    let loaded = 0
    cdp.on('Network.loadingFinished', ({ encodedDataLength }) => (loaded += encodedDataLength))
    await scene.visit()
    await page.waitForLoadState('networkidle')
    expect(loaded).toBeGreaterThan(20_000)
    expect(loaded).toBeLessThan(80 * 1024)
    scene.line.upRate = 10 * MIB
    await scene.choose(await scene.file('build.zip', 30 * MIB))
    await until('sending')
    await page.evaluate(`globalThis.shifts = 0
      new PerformanceObserver((list) => {
        for (const { value } of list.getEntries()) globalThis.shifts += value
      }).observe({ type: 'layout-shift' })`)
    await page.waitForTimeout(1500)
    expect(await page.locator('.card.sending').count()).toBe(1)
    expect(await page.evaluate('shifts')).toBe(0)
    await scene.browser.card('build.zip').untilLink()
    expect(scene.browser.complaints()).toEqual([])
  })

  it('works where it is no secure context, by an address in the network', async () => {
    scene = await PageScene.open({ env: { ALLOWED_HOSTS: 'ferry.test' } })
    const { page } = scene.browser
    // Chromium takes whatever is not this machine's own name for insecure; this one it resolves to it.
    await scene.browser.open(`http://ferry.test:${scene.line.port}/`)
    expect(await page.evaluate('isSecureContext')).toBe(false)
    await scene.choose(await scene.file('a.bin', 3 * MIB))
    const link = await scene.browser.card('a.bin').untilLink()
    expect(new URL(link).host).toBe(`ferry.test:${scene.line.port}`)
    await scene.browser.card('a.bin').press('Copy link')
    await scene.browser.card('a.bin').locator.getByText('Copied').waitFor()
  })

  it('runs no script that was uploaded, though it may run scripts of its own origin', async () => {
    scene = await PageScene.open()
    const { page } = scene.browser
    await scene.browser.paste('evil.js', Buffer.from('globalThis.ran = true'), 'text/javascript')
    const link = await scene.browser.card('evil.js').untilLink()
    const own = `/files/${link.split('/').at(-1)}`
    await page.evaluate(`new Promise((over) => {
      const script = document.createElement('script')
      script.src = '${own}'
      script.onload = script.onerror = over
      document.head.append(script)
    })`)
    expect(await page.evaluate('globalThis.ran')).toBeUndefined()
    const worker = await page.evaluate(`new Promise((over) => {
      const worker = new Worker('${own}')
      worker.onerror = () => over('refused')
      setTimeout(() => over('runs'), 2000)
    })`)
    expect(worker).toBe('refused')
  })

  it('reads a file of 2 GiB in little memory', { timeout: 180_000 }, async () => {
    scene = await PageScene.open()
    await scene.choose(await scene.file('film.mkv', 2048 * MIB))
    let most = 0
    const watching = setInterval(() => {
      void scene.browser.memory().then(({ renderers }) => (most = Math.max(most, renderers)))
    }, 1000)
    try {
      await scene.browser.card('film.mkv').untilLink(150_000)
    } finally {
      clearInterval(watching)
    }
    expect(most).toBeGreaterThan(20 * MIB)
    expect(most).toBeLessThan(300 * MIB)
  })

  /** Waits for a card in that state. */
  async function until(state: string): Promise<void> {
    await scene.browser.page.locator(`.card.${state}`).first().waitFor({ timeout: 30_000 })
  }

  /** No violation of what axe knows of WCAG, and nothing stands out of the page. */
  async function looksRight(state: string): Promise<void> {
    const { page } = scene.browser
    // Colours that still fade are measured wrong.
    await page.evaluate(`Promise.all(document.getAnimations()
      .filter((each) => each.effect.getComputedTiming().endTime < Infinity)
      .map((each) => each.finished.catch(() => undefined)))`)
    await page.evaluate(`typeof axe === 'undefined' && (() => { ${axe.source} })()`)
    const found: string[] =
      await page.evaluate(`axe.run(document, { resultTypes: ['violations'] }).then(({ violations }) =>
      violations.flatMap(({ id, nodes }) => nodes.map(({ html, failureSummary }) => id + ': ' + html.slice(0, 200) + ' ' + failureSummary)))`)
    expect(found, state).toEqual([])
    const [inside, all] = (await page.evaluate(
      '[document.documentElement.clientWidth, document.documentElement.scrollWidth]',
    )) as [number, number]
    expect(all, `${state}: width`).toBeLessThanOrEqual(inside)
  }
})

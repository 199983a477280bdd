import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { utimes } from 'node:fs/promises'
import { pipeline } from 'node:stream/promises'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { ClientHome } from '../support/client.js'
import { MIB, PageScene } from '../support/page-scene.js'
import { pause } from '../support/server.js'
import { missing } from '../support/tools.js'

const BIG = 100 * MIB

describe.skipIf(missing('chromium'))(`the page over bad lines${missing('chromium')}`, () => {
  let scene: PageScene
  beforeEach(async () => {
    scene = await PageScene.open({ env: { LEASE_SECONDS: '5' } })
  })
  afterEach(() => scene.close())

  it('goes on where it stopped when it is loaded again', async () => {
    const path = await scene.file('build.zip', BIG)
    scene.line.upRate = 40 * MIB
    await scene.choose(path)
    await scene.untilSent(0.6 * BIG)
    await scene.visit()
    await expect.poll(() => unfinished(scene)).toContain('build.zip')
    await goesOn(scene, path)
  })

  it.each([1, 2])('sends little twice after a SIGKILL of the browser at 60 % (%i)', async () => {
    const path = await scene.file('build.zip', BIG)
    scene.line.upRate = 40 * MIB
    await scene.choose(path)
    await scene.untilSent(0.6 * BIG)
    await scene.browser.kill()
    await scene.reopen()
    await goesOn(scene, path)
  })

  it('goes on by itself after the server was killed', async () => {
    const path = await scene.file('build.zip', BIG)
    scene.line.upRate = 40 * MIB
    await scene.choose(path)
    await scene.untilSent(0.4 * BIG)
    await scene.server.kill()
    const card = scene.browser.card('build.zip')
    await expect.poll(() => card.status(), { timeout: 30_000 }).toMatch(/line is down.*trying again in/i)
    await scene.server.start()
    await arrives(scene, path)
    // The server may lose what came in its last second.
    expect(scene.line.up).toBeLessThan(BIG + 64 * MIB)
  })

  it('waits while the browser is offline, and goes on as soon as it is not', async () => {
    const path = await scene.file('build.zip', BIG)
    scene.line.upRate = 40 * MIB
    await scene.choose(path)
    await scene.untilSent(0.4 * BIG)
    const card = scene.browser.card('build.zip')
    await scene.browser.page.context().setOffline(true)
    scene.line.cut()
    await expect.poll(() => card.status(), { timeout: 30_000 }).toMatch(/line is down/i)
    await pause(3000)
    await scene.browser.page.context().setOffline(false)
    await arrives(scene, path)
    expect(scene.line.up).toBeLessThan(BIG + 16 * MIB)
  })

  it('goes on after the line was dead for 45 seconds', { timeout: 120_000 }, async () => {
    const path = await scene.file('build.zip', BIG)
    scene.line.upRate = 20 * MIB
    await scene.choose(path)
    await scene.untilSent(0.3 * BIG)
    const card = scene.browser.card('build.zip')
    const until = performance.now() + 45_000
    const silencing = setInterval(() => scene.line.silence(), 50)
    try {
      await expect.poll(() => card.status(), { timeout: 40_000 }).toMatch(/trying again/i)
      expect(await card.status()).not.toMatch(/left/)
      await pause(until - performance.now())
    } finally {
      clearInterval(silencing)
    }
    await arrives(scene, path)
    expect(scene.line.up).toBeLessThan(BIG + 16 * MIB)
  })

  it('tries again at once when told to', async () => {
    const path = await scene.file('build.zip', BIG)
    scene.line.upRate = 40 * MIB
    await scene.choose(path)
    await scene.untilSent(0.3 * BIG)
    await scene.server.kill()
    const card = scene.browser.card('build.zip')
    await expect.poll(() => card.status(), { timeout: 60_000 }).toMatch(/trying again in [5-9] s/i)
    await scene.server.start()
    await card.press('Try now')
    await expect.poll(() => card.status(), { timeout: 3000 }).not.toMatch(/trying again/i)
    await arrives(scene, path)
  })

  it('sends a file once that two tabs have, and both get the link', async () => {
    const path = await scene.file('build.zip', BIG)
    scene.line.upRate = 20 * MIB
    await scene.choose(path)
    await scene.untilSent(0.2 * BIG)
    const { page } = scene.browser
    const other = await page.context().newPage()
    await other.goto(scene.url)
    await scene.browser.chooseIn(other.getByLabel('Choose files', { exact: true }), path)
    const otherCard = other.getByRole('article', { name: 'build.zip' })
    await expect.poll(() => otherCard.locator('.status').innerText()).toMatch(/somebody else is sending/i)
    const link = await arrives(scene, path)
    await otherCard.locator('a.link').waitFor()
    expect(await otherCard.locator('a.link').getAttribute('href')).toBe(link)
    expect(scene.line.up).toBeLessThan(BIG + 4 * MIB)
  })

  it('shows what arrives from the command line, and ends with its link', async () => {
    const path = await scene.file('build.zip', BIG)
    const home = await ClientHome.create()
    try {
      const args = ['upload', '-s', scene.server.address, '--hash-first', '--limit-rate', '10M', path]
      const sender = home.start(args, { FERRY_LANG: 'en' })
      await expect.poll(() => scene.server.inbox()).toHaveLength(1)
      await scene.choose(path)
      const card = scene.browser.card('build.zip')
      await expect
        .poll(() => card.status(), { timeout: 20_000 })
        .toMatch(/somebody else is sending.*\d+\s?%/i)
      const link = await card.untilLink()
      expect(await md5At(link)).toBe(await md5Of(path))
      expect((await sender.outcome).code).toBe(0)
      expect(scene.line.up).toBeLessThan(MIB)
      expect(await card.status()).toMatch(/arrived/i)
    } finally {
      await home.remove()
    }
  })

  it('takes over what another sender has left, and sends the rest alone', async () => {
    const path = await scene.file('build.zip', BIG)
    const home = await ClientHome.create()
    try {
      const args = ['upload', '-s', scene.server.address, '--hash-first', '--limit-rate', '20M', path]
      const sender = home.start(args, { FERRY_LANG: 'en' })
      await expect.poll(() => scene.server.inbox()).toHaveLength(1)
      await scene.choose(path)
      const card = scene.browser.card('build.zip')
      await expect.poll(() => percent(card.status()), { timeout: 20_000 }).toBeGreaterThan(30)
      void sender.kill('SIGKILL')
      await expect.poll(() => card.locator.innerText(), { timeout: 20_000 }).toMatch(/already\sthere/i)
      await arrives(scene, path)
      expect(scene.line.up).toBeLessThan(0.8 * BIG)
    } finally {
      await home.remove()
    }
  })

  it('goes on in another browser, which has never seen the file before', async () => {
    const path = await scene.file('build.zip', BIG)
    scene.line.upRate = 40 * MIB
    await scene.choose(path)
    // Until the MD5 is known to the server, nobody else can tell what it is.
    await scene.untilSent(0.6 * BIG)
    await scene.change()
    await scene.choose(path)
    await arrives(scene, path)
    expect(scene.line.up).toBeLessThan(BIG + 16 * MIB)
  })

  it('begins again from the start where an earlier visit’s bytes were of another file', async () => {
    const path = await scene.file('build.zip', BIG)
    // Whole seconds: node and the browser do not agree on how a fraction is rounded.
    await utimes(path, 1e9, 1e9)
    scene.line.upRate = 40 * MIB
    await scene.choose(path)
    await scene.untilSent(0.5 * BIG)
    await scene.browser.kill()
    await scene.file('build.zip', BIG)
    await utimes(path, 1e9, 1e9)
    await scene.reopen()
    scene.line.upRate = Infinity
    await scene.choose(path)
    const link = await arrives(scene, path)
    expect(link).toContain(await md5Of(path))
    expect(await scene.server.shelf()).toHaveLength(1)
    expect(await scene.server.inbox()).toEqual([])
  })

  /** After an end of the browser: the same file is chosen, and little of it crosses the line twice. */
  async function goesOn({ browser, line }: PageScene, path: string): Promise<void> {
    await scene.choose(path)
    const card = browser.card('build.zip')
    await expect.poll(() => card.locator.innerText(), { timeout: 20_000 }).toMatch(/already\sthere/i)
    await arrives(scene, path)
    expect(line.up).toBeLessThan(BIG + 16 * MIB)
  }
})

/** The link, as soon as it is there and leads to these bytes. */
async function arrives({ browser, server }: PageScene, path: string): Promise<string> {
  const link = await browser.card('build.zip').untilLink(90_000)
  expect(await md5At(link)).toBe(await md5Of(path))
  await expect.poll(() => server.inbox(), { timeout: 5000 }).toEqual([])
  return link
}

async function unfinished({ browser }: PageScene): Promise<string> {
  const section = browser.page.getByRole('region', { name: 'Unfinished' })
  return (await section.count()) === 0 ? '' : section.innerText()
}

async function percent(status: Promise<string>): Promise<number> {
  return Number(/(\d+)\s?% is there/.exec(await status)?.[1] ?? 0)
}

async function md5Of(path: string): Promise<string> {
  const hash = createHash('md5')
  await pipeline(createReadStream(path), hash)
  return hash.digest('hex')
}

async function md5At(link: string): Promise<string> {
  const hash = createHash('md5')
  await pipeline((await fetch(link)).body!, hash)
  return hash.digest('hex')
}

import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Gateway } from '../support/gateway.js'
import { MIB, PageScene } from '../support/page-scene.js'
import { Line } from '../support/proxy.js'
import { missing } from '../support/tools.js'
import { md5 } from '../support/tus.js'

describe.skipIf(missing('chromium'))(`the page${missing('chromium')}`, () => {
  let scene: PageScene
  beforeEach(async () => {
    scene = await PageScene.open()
  })
  afterEach(async () => {
    const complaints = scene.browser.complaints()
    await scene.close()
    expect(complaints).toEqual([])
  })

  /** The link on the card of that file leads to its bytes. */
  const leadsTo = async (name: string, bytes: Buffer): Promise<string> => {
    const link = await scene.browser.card(name).untilLink()
    expect(Buffer.from(await (await fetch(link)).arrayBuffer()).equals(bytes)).toBe(true)
    return link
  }

  describe('gives the link of a file that is', () => {
    it('chosen', async () => {
      const path = await scene.file('影片 – 第1集.mp4', 3 * MIB)
      await scene.choose(path)
      const bytes = await readFile(path)
      const link = await leadsTo('影片 – 第1集.mp4', bytes)
      expect(link).toBe(`${scene.server.url}/files/${md5(bytes)}.mp4`)
      const answer = await fetch(link, { method: 'HEAD' })
      expect(decodeURIComponent(answer.headers.get('content-disposition')!)).toContain('影片 – 第1集.mp4')
    })

    it('dropped anywhere', async () => {
      const path = await scene.file('a.bin', 300_000)
      const overlay = scene.browser.page.getByText('Drop anywhere', { exact: true })
      await scene.browser.drag(path)
      await overlay.waitFor()
      await scene.browser.drop(path)
      await leadsTo('a.bin', await readFile(path))
      await overlay.waitFor({ state: 'hidden' })
    })

    it('pasted', async () => {
      const bytes = Buffer.from('what was on the clipboard')
      await scene.browser.paste('image.png', bytes, 'image/png')
      await leadsTo('image.png', bytes)
    })

    it('in a folder, under its path', async () => {
      const folder = join(scene.folder, 'photos')
      await mkdir(join(folder, '2026'), { recursive: true })
      await writeFile(join(folder, 'a.txt'), 'a')
      await writeFile(join(folder, '2026', 'b.txt'), 'b')
      await scene.browser.choose('Choose a folder', folder)
      await leadsTo('photos/a.txt', Buffer.from('a'))
      await leadsTo('photos/2026/b.txt', Buffer.from('b'))
    })

    it('in a folder that is dropped', async () => {
      const folder = join(scene.folder, 'photos')
      await mkdir(join(folder, '2026'), { recursive: true })
      await writeFile(join(folder, '2026', 'b.txt'), 'b')
      await scene.browser.drop(folder)
      await expect.poll(() => scene.browser.cards()).toEqual([expect.stringContaining('2026/b.txt')])
      const [name] = await scene.browser.cards()
      await leadsTo(name!, Buffer.from('b'))
    })

    it('empty', async () => {
      await writeFile(join(scene.folder, 'empty.txt'), '')
      await scene.choose(join(scene.folder, 'empty.txt'))
      await leadsTo('empty.txt', Buffer.alloc(0))
    })
  })

  it('does not send what the server has, and says so', async () => {
    const path = await scene.file('build.zip', 20 * MIB)
    await scene.choose(path)
    const link = await scene.browser.card('build.zip').untilLink()
    await scene.visit()
    const before = scene.line.up
    await scene.choose(path)
    const card = scene.browser.card('build.zip')
    expect(await card.untilLink()).toBe(link)
    expect(await card.status()).toMatch(/nothing was sent/i)
    expect(scene.line.up - before).toBeLessThan(20_000)
  })

  it('takes three hundred files at once, each to its link, and copies all links', async () => {
    const paths = await Promise.all(
      Array.from({ length: 300 }, async (_, index) => {
        const path = join(scene.folder, `${index}.txt`)
        await writeFile(path, `file ${index}`)
        return path
      }),
    )
    await scene.choose(...paths)
    await scene.browser.page.getByText('300 of 300 done').waitFor({ timeout: 60_000 })
    expect(await scene.server.shelf()).toHaveLength(300)
    await scene.browser.page.context().grantPermissions(['clipboard-read', 'clipboard-write'])
    await scene.browser.press('Copy all links')
    const copied: string = await scene.browser.page.evaluate('navigator.clipboard.readText()')
    expect(
      copied
        .trim()
        .split('\n')
        .map((link) => link.split('/').at(-1)),
    ).toEqual(paths.map((_, index) => `${md5(Buffer.from(`file ${index}`))}.txt`))
  })

  it('takes ten thousand files without standing still for long', async () => {
    const stood = await scene.browser.page.evaluate<number>(`(() => {
      const chosen = new DataTransfer()
      for (let n = 0; n < 10_000; n++)
        chosen.items.add(new File([String(n)], n + '.txt', { lastModified: 1 }))
      const input = document.querySelector('input[type=file]')
      input.files = chosen.files
      const start = performance.now()
      input.dispatchEvent(new Event('change', { bubbles: true }))
      return performance.now() - start
    })()`)
    // It was 15 s when each file cost as much as there are.
    expect(stood).toBeLessThan(5000)
    await scene.browser.page.getByText(/of 10,?000 done/).waitFor({ timeout: 30_000 })
  })

  it('reads many files of some size to their end', async () => {
    const paths = await Promise.all(
      Array.from({ length: 30 }, (_, index) => scene.file(`${index}.bin`, 5_000_000)),
    )
    await scene.choose(...paths)
    await scene.browser.page.getByText('30 of 30 done').waitFor({ timeout: 50_000 })
  })

  it('finishes a small file while a big one is being read', async () => {
    const big = await scene.file('big.iso', 1500 * MIB)
    const small = await scene.file('small.txt', 1000)
    // Of a size that the server may know, it reads the file first.
    await scene.server.kill()
    await scene.server.start()
    await scene.choose(big)
    await scene.choose(small)
    await scene.browser.card('small.txt').untilLink()
    expect(await scene.browser.card('big.iso').link()).toBeUndefined()
    await scene.browser.card('big.iso').press('Cancel')
    await expect.poll(() => scene.server.inbox(), { timeout: 20_000 }).toEqual([])
  })

  it('pauses while it sends, and goes on', async () => {
    const path = await scene.file('build.zip', 40 * MIB)
    scene.line.upRate = 20 * MIB
    await scene.choose(path)
    await scene.untilSent(10 * MIB)
    const card = scene.browser.card('build.zip')
    await card.press('Pause')
    await expect.poll(() => card.status()).toMatch(/^Paused at \d+\s?%/)
    await expect.poll(() => stands(scene.line)).toBe(true)
    await card.press('Go on')
    await leadsTo('build.zip', await readFile(path))
    expect(scene.line.up).toBeLessThan(56 * MIB)
  })

  it('pauses while it reads, and goes on', async () => {
    const path = await scene.file('build.zip', 60 * MIB)
    await scene.choose(path)
    const card = scene.browser.card('build.zip')
    await expect.poll(() => card.status(), { interval: 5 }).toMatch(/Reading/)
    await card.press('Pause')
    await expect.poll(() => card.status()).toMatch(/^Paused/)
    await card.press('Go on')
    await leadsTo('build.zip', await readFile(path))
  })

  it('pauses while the line is down, and does not try until it goes on', async () => {
    const path = await scene.file('build.zip', MIB)
    await scene.server.kill()
    await scene.choose(path)
    const card = scene.browser.card('build.zip')
    await expect.poll(() => card.status()).toMatch(/line is down/i)
    await card.press('Pause')
    await scene.server.start()
    await new Promise((resolve) => setTimeout(resolve, 3000))
    expect(await card.status()).toMatch(/^Paused/)
    await card.press('Go on')
    await leadsTo('build.zip', await readFile(path))
    scene.browser.forgive(/ERR_|Failed to load resource/)
  })

  it('removes what the server has of a file that is cancelled', async () => {
    const path = await scene.file('build.zip', 40 * MIB)
    scene.line.upRate = 10 * MIB
    await scene.choose(path)
    await scene.untilSent(8 * MIB)
    await scene.browser.card('build.zip').press('Cancel')
    await expect.poll(() => scene.server.inbox(), { timeout: 10_000 }).toEqual([])
    expect(await scene.browser.cards()).toEqual([])
    await scene.visit()
    expect(await scene.browser.page.getByText('Unfinished').count()).toBe(0)
  })

  it('removes what an earlier visit has left, when told to', async () => {
    const path = await scene.file('build.zip', 80 * MIB)
    scene.line.upRate = 10 * MIB
    await scene.choose(path)
    await scene.untilSent(8 * MIB)
    await scene.visit()
    await scene.browser.page.getByRole('button', { name: 'Discard' }).click()
    await expect.poll(() => scene.server.inbox(), { timeout: 10_000 }).toEqual([])
    await scene.visit()
    expect(await scene.browser.page.getByText('Unfinished').count()).toBe(0)
  })

  it('says so when a file can’t be read any more, and takes it when it is chosen again', async () => {
    const path = await scene.file('build.zip', 30 * MIB)
    scene.line.upRate = 5 * MIB
    await scene.choose(path)
    await scene.untilSent(2 * MIB)
    await rm(path)
    const card = scene.browser.card('build.zip')
    scene.line.cut()
    await expect.poll(() => card.locator.innerText(), { timeout: 20_000 }).toMatch(/can’t read this file/i)
    scene.browser.forgive(/ERR_|Failed to load resource/)
  })

  it('tells a file that is in the list already', async () => {
    const path = await scene.file('a.bin', 1000)
    await scene.choose(path)
    await scene.choose(path)
    await scene.browser.page
      .getByText(/a\.bin.*is in the list already/)
      .first()
      .waitFor()
    expect(await scene.browser.cards()).toEqual(['a.bin'])
  })

  it('keeps the links of earlier visits, until they are cleared', async () => {
    await scene.choose(await scene.file('a.bin', 1000))
    const link = await scene.browser.card('a.bin').untilLink()
    await scene.visit()
    await scene.browser.page.getByText('Earlier links').click()
    await scene.browser.page.getByRole('link', { name: link }).waitFor()
    await scene.browser.press('Clear history')
    await scene.visit()
    expect(await scene.browser.page.getByText('Earlier links').count()).toBe(0)
  })

  it('sends in small requests where a proxy refuses large ones', async () => {
    const gateway = await Gateway.to(scene.server.port)
    gateway.bodyLimit = MIB
    const line = await Line.to(gateway.port)
    try {
      await scene.browser.open(`http://${line.address}/`)
      const path = await scene.file('build.zip', 10 * MIB)
      await scene.choose(path)
      await leadsTo('build.zip', await readFile(path))
      expect(gateway.refusals).toBeGreaterThan(0)
      scene.browser.forgive(/413/)
    } finally {
      await line.close()
      await gateway.close()
    }
  })

  it('tells on the card that the checksum can’t be computed', async () => {
    await scene.browser.page.route(/hash-worker/, (route) => route.fulfill({ status: 404, body: 'gone' }))
    await scene.visit()
    await scene.choose(await scene.file('a.bin', 1000))
    const card = scene.browser.card('a.bin')
    await expect.poll(() => card.locator.innerText()).toMatch(/can’t compute the file’s checksum/i)
    scene.browser.forgive(/hash-worker|404/)
    await scene.browser.page.unroute(/hash-worker/)
    await card.press('Retry')
    await card.untilLink()
  })

  it('tells that WebAssembly is forbidden, and does not wait for ever', async () => {
    await scene.browser.page.route(/hash-worker/, async (route) => {
      const response = await route.fetch()
      const headers = { ...response.headers(), 'content-security-policy': "script-src 'self'" }
      await route.fulfill({ response, headers })
    })
    await scene.visit()
    await scene.choose(await scene.file('a.bin', 1000))
    const card = scene.browser.card('a.bin')
    await expect.poll(() => card.locator.innerText()).toMatch(/can’t compute the file’s checksum/i)
    scene.browser.forgive(/wasm|WebAssembly/)
  })
})

/** Whether nothing crosses the line for a while. */
async function stands(line: Line): Promise<boolean> {
  const before = line.up
  await new Promise((resolve) => setTimeout(resolve, 1000))
  return line.up === before
}

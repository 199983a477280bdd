import { copyFile, readFile, utimes } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { MIB, PageScene } from '../support/page-scene.js'
import { missing } from '../support/tools.js'
import { md5 } from '../support/tus.js'

/** Seconds since 1970. */
const DAY = 1_700_000_000

describe.skipIf(missing('chromium'))(`the page in trouble${missing('chromium')}`, () => {
  let scene: PageScene
  beforeEach(async () => {
    scene = await PageScene.open()
  })
  afterEach(() => scene.close())

  /** The link on the card of that file leads to its bytes. */
  const leadsTo = async (name: string, path: string): Promise<void> => {
    const bytes = await readFile(path)
    const link = await scene.browser.card(name).untilLink(25_000)
    expect(md5(Buffer.from(await (await fetch(link)).arrayBuffer()))).toBe(md5(bytes))
  }

  it('takes files when its database has been taken away, and is in nobody’s way', async () => {
    const other = await scene.browser.page.context().newPage()
    await other.goto(`${scene.url}healthz`)
    const opened = await other.evaluate(`new Promise((resolve) => {
      const opening = indexedDB.open('ferry', 2)
      opening.onsuccess = () => resolve('opened')
      setTimeout(() => resolve('blocked'), 3000)
    })`)
    expect(opened).toBe('opened')
    const path = await scene.file('build.zip', MIB)
    await scene.choose(path)
    await leadsTo('build.zip', path)
    await scene.visit()
    await scene.choose(path)
    await leadsTo('build.zip', path)
    expect(scene.browser.complaints()).toEqual([])
  })

  it.each(['getAll', 'get', 'put', 'delete'])('takes files when its database fails at %s', async (verb) => {
    await scene.browser.page.addInitScript(`IDBObjectStore.prototype.${verb} = () => {
      throw new DOMException('Internal error.', 'UnknownError')
    }`)
    await scene.visit()
    const path = await scene.file('build.zip', MIB)
    await scene.choose(path)
    await leadsTo('build.zip', path)
    expect(scene.browser.complaints()).toEqual([])
  })

  it('goes on with what the server has when a file that failed is tried again', async () => {
    const path = await scene.file('build.zip', 100 * MIB)
    scene.line.upRate = 40 * MIB
    await scene.choose(path)
    await scene.untilSent(50 * MIB)
    const { page } = scene.browser
    await page.route(/\/tus\//, (route) => route.fulfill({ status: 403, body: 'not today' }))
    scene.line.cut()
    const card = scene.browser.card('build.zip')
    await card.button('Retry').waitFor({ timeout: 20_000 })
    await page.unroute(/\/tus\//)
    await card.press('Retry')
    await leadsTo('build.zip', path)
    expect(scene.line.up).toBeLessThan(116 * MIB)
  })

  it('waits while somebody else answers in the server’s place', async () => {
    const path = await scene.file('build.zip', 20 * MIB)
    scene.line.upRate = 10 * MIB
    await scene.choose(path)
    await scene.untilSent(5 * MIB)
    const { page } = scene.browser
    let asked = 0
    await page.route(/\/tus\//, (route) => {
      asked++
      return route.fulfill({ status: 200, body: '<h1>Welcome</h1>' })
    })
    scene.line.cut()
    const card = scene.browser.card('build.zip')
    await expect.poll(() => asked, { timeout: 10_000 }).toBeGreaterThan(0)
    await expect.poll(() => card.locator.innerText()).toMatch(/busy.*trying again/is)
    await page.unroute(/\/tus\//)
    await leadsTo('build.zip', path)
  })

  it('waits with reading while a proxy says that the server is not there', async () => {
    const { page } = scene.browser
    await page.route(/hash-worker|\/$/, (route) => route.fulfill({ status: 502, body: 'Bad Gateway' }))
    const path = await scene.file('a.bin', 1000)
    await scene.choose(path)
    const card = scene.browser.card('a.bin')
    await expect.poll(() => card.locator.innerText(), { timeout: 10_000 }).toMatch(/trying again/i)
    await page.unroute(/hash-worker|\/$/)
    await leadsTo('a.bin', path)
  })

  it('does not offer to go on with an earlier upload that was chosen and cancelled', async () => {
    const path = await scene.file('build.zip', 80 * MIB)
    scene.line.upRate = 10 * MIB
    await scene.choose(path)
    await scene.untilSent(8 * MIB)
    await scene.visit()
    const { page } = scene.browser
    await page.getByText('Unfinished').waitFor()
    await scene.choose(path)
    await expect.poll(() => scene.browser.card('build.zip').status()).toMatch(/\d%.*already/)
    await scene.browser.card('build.zip').press('Cancel')
    await expect.poll(() => scene.server.inbox(), { timeout: 10_000 }).toEqual([])
    expect(await page.getByText('Unfinished').count()).toBe(0)
  })

  it('does not forget an upload that began while it still looked back', async () => {
    const path = await scene.file('build.zip', 40 * MIB)
    await utimes(path, DAY, DAY)
    const key = `${40 * MIB} ${DAY * 1000} build.zip`
    for (const other of ['0 0 a', '0 0 b', '0 0 c', '0 0 d', key]) await record(other, undefined)
    await scene.visit()
    scene.line.upRate = 5 * MIB
    await scene.choose(path)
    await scene.untilSent(20 * MIB)
    expect(await scene.browser.page.evaluate(recordOf(key))).toMatchObject({
      upload: expect.stringMatching(/^[0-9a-f]{32}$/) as string,
    })
  })

  it('takes a file whose namesake has arrived with its last visit', async () => {
    const path = await scene.file('build.zip', MIB)
    await utimes(path, DAY, DAY)
    const created = scene.browser.page.waitForResponse((response) => response.status() === 201)
    await scene.choose(path)
    await leadsTo('build.zip', path)
    const id = (await (await created).headerValue('location'))!.slice(-32)
    await record(`${MIB} ${DAY * 1000} build.zip`, id)
    await scene.file('build.zip', MIB)
    await utimes(path, DAY, DAY)
    await scene.visit()
    await scene.choose(path)
    await leadsTo('build.zip', path)
  })

  it('says that a copy waits for its twin, and goes on when that is cancelled', async () => {
    const path = await scene.file('a.zip', 40 * MIB)
    const copy = join(scene.folder, 'b.zip')
    await copyFile(path, copy)
    scene.line.upRate = 10 * MIB
    await scene.choose(path)
    await scene.untilSent(2 * MIB)
    await scene.choose(copy)
    await scene.untilSent(20 * MIB)
    expect(await scene.browser.card('b.zip').status()).toMatch(/Waiting/)
    await scene.browser.card('a.zip').press('Cancel')
    await leadsTo('b.zip', copy)
  })

  it('says that a big file waits for others to be sent', async () => {
    const names = ['a.iso', 'b.iso', 'c.iso']
    const paths = await Promise.all(names.map((name, index) => scene.file(name, (80 + index) * MIB)))
    scene.line.upRate = 5 * MIB
    await scene.choose(...paths)
    await scene.untilSent(10 * MIB)
    expect(await scene.browser.card('c.iso').status()).toMatch(/Waiting/)
  })

  it('shows how far a file is read whose upload is gone', async () => {
    const path = await scene.file('big.iso', 1500 * MIB)
    scene.line.upRate = 10 * MIB
    const created = scene.browser.page.waitForResponse((response) => response.status() === 201)
    await scene.choose(path)
    const id = (await (await created).headerValue('location'))!.slice(-32)
    await scene.untilSent(MIB)
    await fetch(`${scene.server.url}/tus/${id}`, { method: 'DELETE', headers: { 'tus-resumable': '1.0.0' } })
    scene.line.cut()
    const card = scene.browser.card('big.iso')
    await expect.poll(() => card.status(), { interval: 20, timeout: 20_000 }).toMatch(/Reading/)
  })

  /** What an earlier visit may have left in the browser. */
  async function record(key: string, upload: string | undefined): Promise<void> {
    const [size, , name] = key.split(' ')
    const left = { key, name, size: Number(size), tab: 'an earlier one', at: 1, ...(upload && { upload }) }
    await scene.browser.page.evaluate(`new Promise((resolve) => {
      indexedDB.open('ferry').onsuccess = ({ target: { result } }) => {
        const change = result.transaction('uploads', 'readwrite')
        change.objectStore('uploads').put(${JSON.stringify(left)})
        change.oncomplete = () => resolve(result.close())
      }
    })`)
  }
})

function recordOf(key: string): string {
  return `new Promise((resolve) => {
    indexedDB.open('ferry').onsuccess = ({ target: { result } }) =>
      (result.transaction('uploads').objectStore('uploads').get(${JSON.stringify(key)}).onsuccess =
        ({ target }) => resolve(target.result))
  })`
}

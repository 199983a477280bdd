import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { makeFile } from '../support/big-file.js'
import { TestBrowser } from '../support/browser.js'
import { missing } from '../support/tools.js'

const MIB = 1024 * 1024

/** Says in articles what files came, by which way; keeps a note in IndexedDB. */
const PAGE = `<!doctype html><title>A page</title><body><script>
  const say = (name, status) => {
    const article = document.createElement('article')
    article.ariaLabel = name
    article.innerHTML = '<p class="status"></p><a class="link" href="/link">link</a><button>Remove</button>'
    article.querySelector('.status').innerText = status
    article.querySelector('button').onclick = () => article.remove()
    document.body.append(article)
  }
  const database = () => new Promise((resolve) => {
    const opening = indexedDB.open('notes', 1)
    opening.onupgradeneeded = () => opening.result.createObjectStore('notes')
    opening.onsuccess = () => resolve(opening.result)
  })
  const note = async (text) => {
    const writing = (await database()).transaction('notes', 'readwrite')
    writing.objectStore('notes').put(text, 1)
    await new Promise((resolve) => (writing.oncomplete = resolve))
  }
  const noted = async () => {
    const reading = (await database()).transaction('notes').objectStore('notes').get(1)
    return new Promise((resolve) => (reading.onsuccess = () => resolve(reading.result)))
  }
  const take = (way, files) => [...files].forEach((file) => say(file.webkitRelativePath || file.name, way + ' ' + file.size))
  const walk = (entry) => entry.isFile
    ? entry.file((file) => say(entry.fullPath, 'dropped ' + file.size))
    : entry.createReader().readEntries((entries) => entries.forEach(walk))
  ondragover = (event) => { event.preventDefault(); document.title = 'held over' }
  ondragleave = () => (document.title = 'left')
  ondrop = (event) => {
    event.preventDefault()
    for (const item of event.dataTransfer.items) walk(item.webkitGetAsEntry())
  }
  addEventListener('paste', (event) => take('pasted', event.clipboardData.files))
</script>
<label>Choose files <input type="file" multiple onchange="take('chosen', this.files)"></label>
<input type="file" webkitdirectory aria-label="Choose a folder" onchange="take('chosen', this.files)" hidden>
</body>`

describe.skipIf(missing('chromium'))(`the browser of the page's tests${missing('chromium')}`, () => {
  let site: Server
  let origin: string
  let dir: string
  let browser: TestBrowser
  beforeAll(async () => {
    site = createServer((request, response) => {
      response.setHeader('content-security-policy', "script-src 'unsafe-inline'")
      response.writeHead(request.url === '/' ? 200 : 404, { 'content-type': 'text/html' }).end(PAGE)
    }).listen(0, '127.0.0.1')
    await once(site, 'listening')
    origin = `http://127.0.0.1:${(site.address() as AddressInfo).port}`
    dir = await mkdtemp(join(tmpdir(), 'ferry-browser-files-'))
    await mkdir(join(dir, 'folder/inner'), { recursive: true })
    await writeFile(join(dir, 'folder/a.txt'), 'a')
    await writeFile(join(dir, 'folder/inner/文.txt'), 'bb')
  })
  afterAll(async () => {
    site.close()
    await rm(dir, { recursive: true })
  })
  beforeEach(async () => {
    browser = await TestBrowser.start()
    await browser.open(origin)
  })
  afterEach(() => browser.remove())

  const shown = async (names: string[]) => {
    await expect.poll(async () => (await browser.cards()).toSorted()).toEqual(names)
  }

  it('chooses a file of any size, and takes no memory for it', async () => {
    await makeFile(join(dir, 'big.bin'), 256 * MIB, 'big')
    const before = await browser.memory()
    await browser.choose('Choose files', join(dir, 'big.bin'), join(dir, 'folder/a.txt'))
    await shown(['a.txt', 'big.bin'])
    const card = browser.card('big.bin')
    expect(await card.status()).toBe(`chosen ${256 * MIB}`)
    expect(await card.untilLink()).toBe('/link')
    expect((await browser.memory()).all - before.all).toBeLessThan(64 * MIB)
    await card.press('Remove')
    await shown(['a.txt'])
    expect(await card.count()).toBe(0)
  })

  it('chooses a folder', async () => {
    await browser.choose('Choose a folder', join(dir, 'folder'))
    await shown(['folder/a.txt', 'folder/inner/文.txt'])
  })

  it('drags files and folders over the page and drops them, or takes them away', async () => {
    await browser.drag(join(dir, 'folder'))
    await expect.poll(() => browser.page.title()).toBe('held over')
    await browser.dragOut()
    await expect.poll(() => browser.page.title()).toBe('left')
    await browser.drop(join(dir, 'folder'), join(dir, 'folder/a.txt'))
    await shown(['/a.txt', '/folder/a.txt', '/folder/inner/文.txt'])
    expect(await browser.card('/folder/inner/文.txt').status()).toBe('dropped 2')
  })

  it('pastes a file', async () => {
    await browser.paste('屏幕 1.png', Buffer.from('picture'), 'image/png')
    await shown(['屏幕 1.png'])
    expect(await browser.card('屏幕 1.png').status()).toBe('pasted 7')
  })

  it('remembers what a page had stored when it was killed', async () => {
    await browser.page.evaluate(`note('kept')`)
    await browser.kill()
    browser = await browser.reopen()
    await browser.open(origin)
    expect(await browser.page.evaluate('noted()')).toBe('kept')
  })

  it('reads English, or Chinese, in the light or in the dark', async () => {
    const languages = () => browser.page.evaluate('navigator.languages[0]')
    const isDark = () => browser.page.evaluate(`matchMedia('(prefers-color-scheme: dark)').matches`)
    expect([await languages(), await isDark()]).toEqual(['en-US', false])
    await browser.quit()
    browser = await browser.reopen({
      language: 'zh-CN',
      colours: 'dark',
      viewport: { width: 320, height: 640 },
    })
    expect([await languages(), await isDark()]).toEqual(['zh-CN', true])
    expect(await browser.page.evaluate('innerWidth')).toBe(320)
  })

  it('says what a page should not have caused', async () => {
    expect(browser.complaints()).toEqual([])
    await browser.page.evaluate(`setTimeout(() => { throw new Error('oops') })`)
    await browser.page.evaluate(`console.error('something is wrong')`)
    await browser.page.evaluate(`fetch('/missing').then(() => undefined)`)
    await browser.page.evaluate(
      `document.body.append(Object.assign(document.createElement('script'), { src: '/a.js' }))`,
    )
    const expected = [/thrown: Error: oops/, /something is wrong/, /404/, /policy: script-src-elem forbids/]
    for (const complaint of expected)
      await expect.poll(() => browser.complaints().some((said) => complaint.test(said))).toBe(true)
    browser.forgive(/404|policy|Policy|oops|wrong/)
    expect(browser.complaints()).toEqual([])
  })
})

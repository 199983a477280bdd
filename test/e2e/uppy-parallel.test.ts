import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { TestBrowser } from '../support/browser.js'
import { ClientHome } from '../support/client.js'
import { scrape } from '../support/metrics.js'
import { Line } from '../support/proxy.js'
import { TestServer } from '../support/server.js'
import { missing } from '../support/tools.js'
import { content, md5 } from '../support/tus.js'
import { UppySite } from '../support/uppy-site.js'

const MIB = 1024 * 1024
/** What heads of some requests take at most. */
const WORDS = 50_000

describe.skipIf(missing('chromium'))(`a stock Uppy with parallelUploads: 4${missing('chromium')}`, () => {
  let site: UppySite
  let home: ClientHome
  let server: TestServer
  let line: Line
  let browser: TestBrowser
  beforeAll(async () => {
    site = await UppySite.open()
    home = await ClientHome.create()
  })
  afterAll(() => Promise.all([site.close(), home.remove()]))
  beforeEach(async () => {
    server = await TestServer.start({ env: { ALLOWED_ORIGINS: site.origin } })
    line = await Line.to(server.port)
    browser = await TestBrowser.start()
  })
  afterEach(async () => {
    const complaints = browser.complaints()
    await browser.remove()
    await line.close()
    await server.stop()
    expect(complaints).toEqual([])
  })

  async function newFile(name: string, size: number) {
    const { bytes, md5 } = content(size)
    return { name, md5, path: await home.write(name, bytes) }
  }
  type NewFile = Awaited<ReturnType<typeof newFile>>
  const send = ({ path }: NewFile, meta: Record<string, string> = {}) =>
    site.send(browser, path, { endpoint: `http://${line.address}/tus`, meta })
  /** That file, and nothing else, is on the server, and behind this link. */
  const expectBehind = async (url: string | undefined, file: NewFile) => {
    const name = `${file.md5}.${file.name.split('.').at(-1)}`
    expect(url).toBe(`${server.url}/files/${name}`)
    expect(md5(Buffer.from(await (await fetch(url!)).arrayBuffer()))).toBe(file.md5)
    expect(await server.shelf()).toEqual([name])
    await expect.poll(() => server.inbox()).toEqual([])
  }
  /** Bytes that the server has joined. */
  const joined = async () => (await scrape(server.url)).get('ferry_received_bytes_total{door="join"}')

  it('gets a link with exactly that file behind it', async () => {
    const file = await newFile('影片.mp4', 20 * MIB + 3)
    await expectBehind(await send(file, { md5: file.md5 }), file)
    const since = await server.logged()
    expect(server.output.slice(0, since).match(/ method=PATCH .*door=tus/g)).toHaveLength(4)
  })

  it('gets the link of what it has sent before at once: nothing is sent', async () => {
    const file = await newFile('known.zip', 10 * MIB)
    await send(file, { md5: file.md5 })
    const { up } = line
    await expectBehind(await send(file, { md5: file.md5 }), file)
    expect(line.up - up).toBeLessThan(WORDS)
  })

  it('gets the link of what somebody else has sent without a join: the pieces are thrown away', async () => {
    const file = await newFile('known.zip', 10 * MIB)
    await send(file, { md5: file.md5 })
    expect(await joined()).toBe(10 * MIB)
    const { up } = line
    await browser.page.evaluate('localStorage.clear()')
    await expectBehind(await send(file, { md5: file.md5 }), file)
    expect(await joined()).toBe(10 * MIB)
    expect(line.up - up).toBeGreaterThan(10 * MIB)
  })

  it('gets the link of a known file that it declares no md5 of, and nothing is stored twice', async () => {
    const file = await newFile('known.zip', 10 * MIB)
    await expectBehind(await send(file), file)
    await browser.page.evaluate('localStorage.clear()')
    await expectBehind(await send(file), file)
  })

  it('goes on where it was when the line breaks, and when its page is closed and opened again', async () => {
    const file = await newFile('cut.bin', 24 * MIB)
    line.upRate = 2 * MIB
    const leaving = send(file, { md5: file.md5 }).catch(() => undefined)
    const isAt = (mark: number) =>
      expect.poll(() => line.up, { timeout: 30_000, interval: 20 }).toBeGreaterThan(mark)
    await isAt(8 * MIB)
    line.cut()
    await isAt(12 * MIB)
    await browser.open(site.origin)
    await leaving
    line.upRate = Infinity
    await expectBehind(await send(file, { md5: file.md5 }), file)
    // What the two breaks have thrown away is what was in the air of four connections.
    expect(line.up).toBeLessThan(24 * MIB + 12 * MIB)
    browser.forgive(/ERR_|Failed to load resource/)
  })
})

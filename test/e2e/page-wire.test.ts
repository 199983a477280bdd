import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { describe, expect, it, onTestFinished } from 'vitest'
import { MIB } from '../support/page-scene.js'
import { PageWire } from '../support/page-wire.js'
import { pause } from '../support/server.js'
import { missing } from '../support/tools.js'
import { wireTrouble } from '../support/wire/wire.js'

const trouble = wireTrouble()
const skipped =
  missing('chromium', 'ip', 'python3') || (trouble === undefined ? '' : ` (skipped: ${trouble})`)

/** One connection brings about 180 KB a second over it. */
const LOSSY = { rtt: 100, loss: 1, rate: 50 }
const PATIENT = { timeout: 40_000, interval: 20 }

async function open(line: Parameters<typeof PageWire.open>[0]): Promise<PageWire> {
  const scene = await PageWire.open(line)
  onTestFinished(() => scene.close())
  return scene
}

describe.skipIf(skipped)(`the page over a long line${skipped}`, { timeout: 120_000 }, () => {
  it('uses several connections where one is slow', async () => {
    const scene = await open(LOSSY)
    const { path, md5 } = await scene.file('a.bin', 8 * MIB)
    const begun = performance.now()
    await scene.choose(path)
    await arrives(scene, md5)
    const seconds = (performance.now() - begun) / 1000
    expect(seconds).toBeLessThan(25)
    expect(scene.requests.most).toBeGreaterThanOrEqual(4)
    // What had still been under way over the one has taken the place of the first piece.
    scene.browser.forgive(/ 409 /)
    expect(scene.browser.complaints()).toEqual([])
  })

  it('uses one where that is enough', async () => {
    const scene = await open({ rtt: 20, rate: 100 })
    const { path, md5 } = await scene.file('a.bin', 32 * MIB)
    await scene.choose(path)
    await arrives(scene, md5)
    // All but the last bytes, and those.
    expect(scene.requests).toMatchObject({ pieces: [], patches: 2 })
  })

  it('sends nothing again that had arrived before it was loaded again', async () => {
    const scene = await open(LOSSY)
    const { path, md5 } = await scene.file('a.bin', 8 * MIB)
    await scene.choose(path)
    await expect.poll(() => scene.requests.pieces.length, PATIENT).toBeGreaterThan(10)
    await scene.visit()
    const { requests } = scene
    const [sent, patches] = [requests.pieces.length, requests.patches]
    await scene.choose(path)
    await expect.poll(() => requests.pieces.length, PATIENT).toBeGreaterThan(sent)
    expect(requests.there.total).toBeGreaterThan(MIB)
    for (const piece of requests.pieces.slice(sent)) expect(requests.there.in(piece)).toBe(0)
    await arrives(scene, md5)
    expect(requests.patches).toBe(patches)
  })

  it('stops at once when it is paused, and goes on with the rest', async () => {
    const scene = await open(LOSSY)
    const { path, md5 } = await scene.file('a.bin', 8 * MIB)
    const { requests } = scene
    const card = scene.browser.card('a.bin')
    await scene.choose(path)
    await expect.poll(() => requests.pieces.length, PATIENT).toBeGreaterThan(10)
    await card.press('Pause')
    await expect.poll(() => requests.going).toBe(0)
    const sent = requests.pieces.length
    await pause(1000)
    expect(requests.pieces.length).toBe(sent)
    expect(await card.status()).toMatch(/paused/i)
    await card.press('Go on')
    await arrives(scene, md5)
    expect(requests.patches).toBe(1)
  })

  it('says so when the line is dead, and goes on with what is missing', async () => {
    const scene = await open(LOSSY)
    const { path, md5 } = await scene.file('a.bin', 8 * MIB)
    const { requests } = scene
    const card = scene.browser.card('a.bin')
    await scene.choose(path)
    await expect.poll(() => requests.pieces.length, PATIENT).toBeGreaterThan(10)
    await scene.wire.die(true)
    await expect.poll(() => card.status(), PATIENT).toMatch(/trying again/i)
    await scene.wire.die(false)
    const sent = requests.pieces.length
    await expect.poll(() => requests.pieces.length, PATIENT).toBeGreaterThan(sent)
    for (const piece of requests.pieces.slice(sent)) expect(requests.there.in(piece)).toBe(0)
    await arrives(scene, md5)
    expect(requests.patches).toBe(1)
  })

  it('leaves nothing behind when it is cancelled', async () => {
    const scene = await open(LOSSY)
    const { path } = await scene.file('a.bin', 8 * MIB)
    const { requests } = scene
    await scene.choose(path)
    await expect.poll(() => requests.pieces.length, PATIENT).toBeGreaterThan(10)
    await scene.browser.card('a.bin').press('Cancel')
    await expect.poll(() => scene.server.inbox(), PATIENT).toEqual([])
    const sent = requests.pieces.length
    await pause(1000)
    expect([requests.going, requests.pieces.length]).toEqual([0, sent])
    expect(await scene.server.shelf()).toEqual([])
  })
})

/** Its link comes, and what it leads to is the file. */
async function arrives({ browser, server }: PageWire, md5: string): Promise<void> {
  expect(await browser.card('a.bin').untilLink(90_000)).toContain(md5)
  const hash = createHash('md5')
  await pipeline(createReadStream(join(server.files, `${md5}.bin`)), hash)
  expect(hash.digest('hex')).toBe(md5)
}

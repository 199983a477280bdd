import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import { pause } from '../support/server.js'
import { missing } from '../support/tools.js'
import { MIB, type TestFile, UploadScene } from '../support/uploading.js'
import { WireScene } from '../support/wire/scene.js'
import { wireTrouble } from '../support/wire/wire.js'

const PATIENT = { timeout: 60_000, interval: 10 }
const FOUR = ['--connections', '4']

describe('ferry upload over four connections', () => {
  let scene: UploadScene
  beforeAll(async () => void (scene = await UploadScene.open({}, 'gateway')))
  afterAll(() => scene.close())
  beforeEach(() => {
    scene.gateway.hold = () => undefined
    scene.gateway.bodyLimit = Infinity
  })

  async function expectStored(file: TestFile, { code, lines }: { code: number | null; lines: string[] }) {
    expect({ code, lines }).toEqual({ code: 0, lines: [scene.url(file)] })
    expect(await scene.md5At(scene.url(file))).toBe(file.md5)
    await expect.poll(() => scene.server.inbox(), PATIENT).toEqual([])
  }
  const pieces = async (since: number) =>
    (await scene.requests(since)).filter(({ method, door }) => method === 'POST' && door === 'tus').length - 1

  it.each([[[]], [['--hash-first']]])(
    'brings a file in pieces, and nothing of it twice (%j)',
    async (how) => {
      const file = await scene.file('pieces.mp4', 24 * MIB + how.length)
      await scene.newLine({ upRate: 12 * MIB })
      const since = await scene.server.logged()
      await expectStored(file, await scene.run([file.name, ...FOUR, ...how]))
      expect(await pieces(since)).toBeGreaterThan(4)
      expect(await scene.count('PATCH', 'tus', since)).toBe(0)
      expect(scene.line.up).toBeLessThan(25 * MIB)
      // The same once more is known.
      const { up } = scene.line
      await expectStored(file, await scene.run([file.name, ...FOUR]))
      expect(scene.line.up - up).toBeLessThan(100_000)
    },
  )

  it('goes on where it was when it is killed, and by itself when the server is', async () => {
    const file = await scene.file('killed.mp4', 64 * MIB)
    await scene.newLine({ upRate: 12 * MIB })
    for (const mark of [8, 20]) {
      const client = scene.start([file.name, ...FOUR])
      await expect.poll(() => scene.line.up, PATIENT).toBeGreaterThan(mark * MIB)
      expect(await client.kill('SIGKILL')).toMatchObject({ signal: 'SIGKILL' })
    }
    const client = scene.start([file.name, ...FOUR])
    await expect.poll(() => scene.line.up, PATIENT).toBeGreaterThan(36 * MIB)
    await scene.server.kill()
    await pause(300)
    await scene.server.start()
    await expectStored(file, await client.outcome)
    // What a kill throws away is what was in the air, of each connection.
    expect(scene.line.up).toBeLessThan(64 * MIB + 3 * 16 * MIB)
    expect(await readdir(join(scene.home.state, 'uploads'))).toEqual([])
  })

  it('goes on over one connection with what four have begun, and the other way round', async () => {
    const file = await scene.file('both.mp4', 40 * MIB)
    await scene.newLine({ upRate: 12 * MIB })
    for (const [mark, ...how] of [[8, ...FOUR], [16], [24, ...FOUR]] as [number, ...string[]][]) {
      const client = scene.start([file.name, ...how])
      await expect.poll(() => scene.line.up, PATIENT).toBeGreaterThan(mark * MIB)
      await client.kill('SIGINT')
    }
    scene.line.upRate = Infinity
    await expectStored(file, await scene.run([file.name, '--connections', '1']))
    expect(scene.line.up).toBeLessThan(40 * MIB + 3 * 12 * MIB)
  })

  it('stores nothing of a file that has become another one meanwhile', async () => {
    const file = await scene.file('changing.mp4', 24 * MIB)
    await scene.newLine({ upRate: 6 * MIB })
    const client = scene.start([file.name, ...FOUR, '--hash-first'])
    await expect.poll(() => scene.line.up, PATIENT).toBeGreaterThan(4 * MIB)
    await scene.home.write(file.name, Buffer.alloc(24 * MIB, 1))
    expect((await client.outcome).code).toBe(4)
    expect((await scene.server.shelf()).filter((name) => name.startsWith(file.md5))).toEqual([])
  })

  it('keeps to the rate that it was told, all of them together', async () => {
    const file = await scene.file('limited.mp4', 12 * MIB)
    await scene.newLine()
    const begun = performance.now()
    await expectStored(file, await scene.run([file.name, ...FOUR, '--limit-rate', '3M']))
    expect(performance.now() - begun).toBeGreaterThan(3000)
  })

  it('sends no larger pieces than a proxy lets pass', async () => {
    const file = await scene.file('small-bodies.mp4', 12 * MIB)
    await scene.newLine({ upRate: 12 * MIB })
    scene.gateway.bodyLimit = 2 * MIB
    await expectStored(file, await scene.run([file.name, ...FOUR, '--chunk-size', '1M']))
  })

  it('sends over one where the server takes no pieces', async () => {
    const file = await scene.file('older.mp4', 12 * MIB)
    await scene.newLine()
    scene.gateway.hides = ['ferry-ahead']
    onTestFinished(() => void (scene.gateway.hides = []))
    const since = await scene.server.logged()
    await expectStored(file, await scene.run([file.name, ...FOUR]))
    expect([await pieces(since), await scene.count('PATCH', 'tus', since)]).toEqual([0, 1])
  })

  it.each(['0', '9', 'many', '2.5', ''])(
    'says what it wants instead of --connections "%s"',
    async (value) => {
      const { code, stderr } = await scene.run(['x.bin', '--connections', value])
      expect([code, stderr]).toEqual([
        2,
        expect.stringContaining('auto, or a whole number from 1 to 8') as string,
      ])
    },
  )
})

const trouble = wireTrouble()
const skipped = missing('ip', 'python3') || (trouble === undefined ? '' : ` (skipped: ${trouble})`)
const LONG = { timeout: 240_000 }

describe.skipIf(skipped)(`ferry upload over a wire${skipped}`, () => {
  async function open(line: { rtt: number; loss?: number; rate: number }): Promise<WireScene> {
    const scene = await WireScene.open(line)
    onTestFinished(() => scene.close())
    return scene
  }
  /** Seconds, and what the server's log has of creations and PATCHes. */
  async function sent(scene: WireScene, size: number, ...how: string[]) {
    const file = await scene.file(`film${how.length}.mp4`, size)
    const since = await scene.logged()
    const begun = performance.now()
    const { stdout } = await scene.upload(file.name, ...how)
    const seconds = (performance.now() - begun) / 1000
    expect(stdout.trim()).toMatch(new RegExp(`/files/${file.md5}.mp4$`))
    expect(await scene.md5Of(`${file.md5}.mp4`)).toBe(file.md5)
    await scene.logged()
    const lines = scene.server.output.slice(since).split('\n')
    const count = (method: string) =>
      lines.filter((line) => line.includes(`method=${method} door=tus`)).length
    return { seconds, creations: count('POST'), patches: count('PATCH') }
  }

  it('takes several connections by itself where one crawls, and remembers that', LONG, async () => {
    const scene = await open({ rtt: 100, loss: 0.5, rate: 50 })
    const alone = await sent(scene, 6 * MIB, '--connections', '1')
    const auto = await sent(scene, 6 * MIB)
    expect(auto.creations).toBeGreaterThan(8)
    expect(alone.seconds / auto.seconds).toBeGreaterThan(2)
    const [memory] = await readdir(join(scene.home.state, 'servers'))
    const { connections } = JSON.parse(
      await readFile(join(scene.home.state, 'servers', memory!), 'utf8'),
    ) as { connections: number }
    expect(connections).toBeGreaterThan(1)
  })

  it('keeps to one, and asks nothing more, on a line that loses nothing', LONG, async () => {
    const scene = await open({ rtt: 40, rate: 50 })
    expect(await sent(scene, 12 * MIB)).toMatchObject({ creations: 1, patches: 1 })
  })
})

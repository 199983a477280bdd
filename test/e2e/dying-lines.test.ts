import { setTimeout as pause } from 'node:timers/promises'
import { describe, expect, it, onTestFinished, type TestContext } from 'vitest'
import { missing } from '../support/tools.js'
import { UploadScene } from '../support/uploading.js'
import { WireScene } from '../support/wire/scene.js'
import { type Wire, wireTrouble } from '../support/wire/wire.js'

const MIB = 1024 * 1024
/** How the client is told to send; each has to bring the file. */
const OPTIONS = ['', '--connections 4']

const trouble = wireTrouble()
const skipped = missing('ip', 'python3') || (trouble === undefined ? '' : ` (skipped: ${trouble})`)

const LONG = { timeout: 300_000 }
/** Eight seconds of a usual line. */
const LINE = { rtt: 40, rate: 20 }
const SIZE = 20 * MIB
/** More than the heads of a file's packets, in bytes for each of its bytes, … */
const HEADS = 1.05
/** … and more than what is lost of a line's queue, and in the air, when it dies. */
const IN_FLIGHT = 4 * MIB

describe('ferry upload', () => {
  // Each on a wire of its own, so that who waits for a dead line does not keep the others waiting.
  describe.skipIf(skipped)(`brings the file over a wire${skipped}, and sends little twice,`, () => {
    for (const options of OPTIONS) {
      const how = options && ` (${options})`

      for (const seconds of [120, 30, 2])
        it.concurrent(`by itself when that has been dead for ${seconds} s${how}`, LONG, async (context) => {
          await expectBrought(context, options, {}, async (wire) => {
            await wire.die(true)
            await pause(seconds * 1000)
            await wire.die(false)
          })
        })

      it.concurrent(`by itself when its machine gets another address${how}`, LONG, async (context) => {
        await expectBrought(context, options, {}, (wire) => wire.move('near', '192.0.2.77'))
      })

      it.concurrent(`though a carrier resets connections at random${how}`, LONG, async (context) => {
        const wire = await expectBrought(context, options, { reset: 0.05 })
        context.expect((await wire.count()).there.broken).toBeGreaterThan(2)
      })
    }
  })

  for (const options of OPTIONS)
    it(`brings the file through a proxy that resets each connection after 5 MB${options && ` (${options})`}`, async () => {
      const scene = await UploadScene.open()
      onTestFinished(() => scene.close())
      const file = await scene.file('cut.mp4', 40 * MIB)
      await scene.newLine({ upRate: 4 * MIB, cutEvery: 5_000_000 })
      const { code, lines } = await scene.run([file.name, ...words(options)])
      expect({ code, lines }).toEqual({ code: 0, lines: [scene.url(file)] })
      expect(await scene.md5At(scene.url(file))).toBe(file.md5)
      expect(scene.line.cuts).toBeGreaterThanOrEqual(4)
      // What a reset throws away is what the two machines hold of its connection.
      expect(scene.line.up).toBeLessThan(40 * MIB + scene.line.cuts * MIB)
    })
})

/** Uploads a file over a line to which something happens when half of it has been sent. */
async function expectBrought(
  { expect, onTestFinished }: TestContext,
  options: string,
  line: { reset?: number },
  happen: (wire: Wire) => Promise<void> = () => Promise.resolve(),
): Promise<Wire> {
  const scene = await WireScene.open({ ...LINE, ...line })
  onTestFinished(() => scene.close())
  const { wire, server } = scene
  const file = await scene.file('film.mp4', SIZE)
  const sent = async () => (await wire.count()).there.bytes
  const isHalf = () => expect.poll(sent, { timeout: 60_000, interval: 50 }).toBeGreaterThan(SIZE / 2)
  const [{ stdout }] = await Promise.all([
    scene.upload(file.name, ...words(options)),
    isHalf().then(() => happen(wire)),
  ])
  const name = `${file.md5}.mp4`
  expect(stdout.trim()).toMatch(new RegExp(`/files/${name}$`))
  expect(await scene.md5Of(name)).toBe(file.md5)
  expect(await server.shelf()).toEqual([name])
  await expect.poll(() => server.inbox(), { timeout: 10_000 }).toEqual([])
  expect(await sent()).toBeLessThan(SIZE * HEADS + IN_FLIGHT)
  return wire
}

function words(options: string): string[] {
  return options.split(' ').filter(Boolean)
}

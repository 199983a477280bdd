import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { stockUpload } from '../support/tus.js'
import { MIB, UploadScene, eventsOf } from '../support/uploading.js'

describe('ferry upload --json', () => {
  let scene: UploadScene
  beforeAll(async () => void (scene = await UploadScene.open()))
  afterAll(() => scene.close())
  afterEach(() => scene.newLine())

  it('tells programs everything as JSON', async () => {
    const { line } = scene
    const known = await scene.file('known.mp4', 3000)
    await stockUpload(scene.server.url, known.bytes, { metadata: { filename: 'known.mp4' } })
    const big = await scene.file('big.bin', 20 * MIB)
    line.upRate = 6 * MIB
    const outcome = await scene
      .run(['--json', 'known.mp4', 'big.bin', 'missing.bin'])
      .finally(() => (line.upRate = Infinity))
    expect(outcome.code).toBe(1)
    const events = eventsOf(outcome)
    const of = (event: string) => events.filter((each) => each['event'] === event)
    const result = (file: typeof known, status: string) => {
      const { name, md5, bytes } = file
      return { event: 'result', path: name, size: bytes.length, md5, url: scene.url(file), status }
    }
    expect(of('result')).toEqual([result(known, 'known'), result(big, 'stored')])
    expect(of('problem')).toEqual([
      { event: 'problem', path: 'missing.bin', code: 'file-missing', message: 'No such file: missing.bin' },
    ])
    expect(events.at(-1)).toEqual({
      event: 'summary',
      stored: 1,
      known: 1,
      failed: 1,
      skipped: 0,
      bytes: 20 * MIB,
      seconds: expect.any(Number) as number,
    })
    const progress = of('progress')
    expect(progress.length).toBeGreaterThanOrEqual(2)
    const all = { event: 'progress', total: 20 * MIB + 3000, files: 2 }
    expect(progress.at(-1)).toMatchObject(all)
    for (const [at, { bytes, done, ...rest }] of progress.entries()) {
      expect(Object.keys(rest).toSorted()).toEqual(['event', 'files', 'total'])
      expect(bytes).toBeGreaterThanOrEqual(Number(progress[at - 1]?.['bytes'] ?? 0))
      expect(done).toBeLessThanOrEqual(2)
    }
  })

  it('tells programs nothing about progress with --no-progress', async () => {
    const { line } = scene
    await scene.file('quietly.bin', 9 * MIB)
    line.upRate = 4 * MIB
    const outcome = await scene
      .run(['--json', '--no-progress', 'quietly.bin'])
      .finally(() => (line.upRate = Infinity))
    expect(eventsOf(outcome).map(({ event }) => event)).toEqual(['result', 'summary'])
  })

  it('tells programs also what has ended a run before its time', async () => {
    const { line } = scene
    const file = await scene.file('ended.bin', 16 * MIB)
    line.upRate = 4 * MIB
    const { up } = line
    const client = scene.start(['--json', file.name])
    await expect.poll(() => line.up - up, { timeout: 30_000 }).toBeGreaterThan(4 * MIB)
    const outcome = await client.kill('SIGINT').finally(() => (line.upRate = Infinity))
    expect(outcome.code).toBe(130)
    const [problem, summary] = eventsOf(outcome).filter(({ event }) => event !== 'progress')
    const message = 'Interrupted. The same command goes on where it stopped'
    expect(problem).toEqual({ event: 'problem', code: 'interrupted', message })
    expect(summary).toMatchObject({ event: 'summary', stored: 0, failed: 0 })
  })
})

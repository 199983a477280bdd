import { randomInt } from 'node:crypto'
import { readFile, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { pause } from '../support/server.js'
import { MIB, type TestFile, UploadScene } from '../support/uploading.js'

const PATIENT = { timeout: 30_000, interval: 10 }

describe('ferry upload over a bad line', () => {
  let scene: UploadScene
  beforeAll(async () => void (scene = await UploadScene.open({}, 'gateway')))
  afterAll(() => scene.close())
  beforeEach(() => {
    scene.gateway.hold = () => undefined
  })

  async function expectStored(file: TestFile, { code, lines }: { code: number | null; lines: string[] }) {
    expect({ code, lines }).toEqual({ code: 0, lines: [scene.url(file)] })
    expect(await scene.md5At(scene.url(file))).toBe(file.md5)
    await expect.poll(() => scene.server.inbox(), PATIENT).toEqual([])
  }

  it.each(['the MD5 is known', 'nobody knows the MD5'])(
    'goes on where it was when it is killed again and again while %s',
    async (when) => {
      const file = await scene.file('killed.mp4', 64 * MIB + when.length)
      await scene.newLine({ upRate: 12 * MIB })
      const since = await scene.server.logged()
      if (when === 'nobody knows the MD5')
        scene.gateway.hold = ({ method, url }) =>
          method === 'POST' && url!.startsWith('/check') ? new Promise(() => undefined) : undefined
      const kills = 5
      for (let kill = 0; kill < kills; kill++) {
        const { up } = scene.line
        const client = scene.start([file.name])
        await expect.poll(() => scene.line.up - up, PATIENT).toBeGreaterThan(MIB)
        // A kill between the creation and the note of it leaves an upload that nobody finds again, until it expires.
        const uploads = () => readdir(join(scene.home.state, 'uploads')).catch(() => [])
        await expect.poll(uploads, PATIENT).toHaveLength(1)
        await pause(randomInt(10, 600))
        expect(await client.kill('SIGKILL')).toMatchObject({ signal: 'SIGKILL' })
      }
      scene.gateway.hold = () => undefined
      scene.line.upRate = Infinity
      await expectStored(file, await scene.run([file.name]))
      // What a kill throws away is what was in the air.
      expect(scene.line.up).toBeLessThan(64 * MIB + kills * 14 * MIB)
      if (when === 'nobody knows the MD5') expect(await scene.count('POST', 'tus', since)).toBe(1)
      expect(await readdir(join(scene.home.state, 'uploads'))).toEqual([])
    },
  )

  it('ends when it is interrupted, and goes on with the next run', async () => {
    const file = await scene.file('interrupted.mp4', 32 * MIB)
    await scene.newLine({ upRate: 8 * MIB })
    const client = scene.start([file.name])
    await expect.poll(() => scene.line.up, PATIENT).toBeGreaterThan(12 * MIB)
    const { code, stdout, stderr } = await client.kill('SIGINT')
    expect({ code, stdout }).toEqual({ code: 130, stdout: '' })
    expect(stderr).toContain('[ERROR] Interrupted. The same command goes on where it stopped\n')
    scene.line.upRate = Infinity
    await expectStored(file, await scene.run([file.name]))
    expect(scene.line.up).toBeLessThan(38 * MIB)
  })

  it('goes on by itself when the server is killed and comes back', async () => {
    const file = await scene.file('server.mp4', 48 * MIB)
    await scene.newLine({ upRate: 12 * MIB })
    const client = scene.start([file.name])
    for (const mark of [6, 24]) {
      await expect.poll(() => scene.line.up, PATIENT).toBeGreaterThan(mark * MIB)
      await scene.server.kill()
      await pause(randomInt(100, 1000))
      await scene.server.start()
    }
    await expectStored(file, await client.outcome)
    expect(scene.line.up).toBeLessThan(48 * MIB + 2 * 16 * MIB)
  })

  it('goes on by itself when the line breaks again and again', async () => {
    const file = await scene.file('cut.mp4', 40 * MIB)
    await scene.newLine({ upRate: 40 * MIB, cutEvery: 4 * MIB })
    const { cuts } = scene.line
    await expectStored(file, await scene.run([file.name, '--retry-for', '20s']))
    expect(scene.line.cuts - cuts).toBeGreaterThanOrEqual(8)
  })

  it('takes the first failure for the last with --retry-for 0', async () => {
    const file = await scene.file('impatient.mp4', 16 * MIB)
    await scene.newLine({ cutEvery: 4 * MIB })
    const { code, stderr } = await scene.run([file.name, '--retry-for', '0'])
    expect(code).toBe(1)
    expect(stderr).toMatch(
      /\[ERROR\] impatient.mp4: No connection to the server|\[ERROR\] No connection to the server/,
    )
    expect(stderr).not.toContain('trying again')
    // What that has left is gone on with, and one that is gone is no failure.
    await scene.newLine()
    for (const part of await scene.server.inbox())
      await fetch(`${scene.server.url}/tus/${part.replace('tmp_', '')}`, {
        method: 'DELETE',
        headers: { 'Tus-Resumable': '1.0.0' },
      })
    await expectStored(file, await scene.run([file.name, '--retry-for', '0']))
  })

  it('sends no faster than it is told to, small files and big ones together', async () => {
    const files = [await scene.file('slow.mp4', 9 * MIB)]
    for (let at = 0; at < 60; at++) files.push(await scene.file(`slow-${at}.bin`, 200_000))
    await scene.newLine()
    const begun = performance.now()
    const { code } = await scene.run(['--limit-rate', '4M', ...files.map(({ name }) => name)])
    expect(code).toBe(0)
    // 20 MiB at 4 MiB/s, where the first and the last pieces may be early; the big one alone takes half of it.
    expect(performance.now() - begun).toBeGreaterThan(4500)
    expect(await readdir(join(scene.home.state, 'servers')).catch(() => [])).toEqual([])
  })

  it('sends no larger requests than it is told to', async () => {
    const file = await scene.file('chunks.mp4', 10 * MIB)
    await scene.newLine()
    const since = await scene.server.logged()
    await expectStored(file, await scene.run(['--chunk-size', '3M', file.name]))
    expect(await scene.count('PATCH', 'tus', since)).toBe(4)
  })

  it.each([[[]], [['--wait']]])('lets two of one user bring the same file at once (%j)', async (args) => {
    const file = await scene.file('twice.mp4', 24 * MIB)
    await scene.newLine({ upRate: 8 * MIB })
    const both = [scene.start([file.name, ...args]), scene.start([file.name, ...args])]
    const outcomes = await Promise.all(both.map(({ outcome }) => outcome))
    const codes = outcomes.map(({ code }) => code ?? -1).toSorted((a, b) => a - b)
    expect(
      args.length > 0
        ? [[0, 0]]
        : [
            [0, 0],
            [0, 3],
          ],
    ).toContainEqual(codes)
    for (const outcome of outcomes) if (outcome.code === 0) await expectStored(file, outcome)
    expect((await scene.server.shelf()).filter((name) => name.startsWith(file.md5))).toHaveLength(1)
  })
})

describe('ferry upload through a proxy that refuses large requests', () => {
  let scene: UploadScene
  beforeAll(async () => void (scene = await UploadScene.open({}, 'gateway')))
  afterAll(() => scene.close())

  it('sends smaller ones, and remembers that for the next file and run', async () => {
    const { gateway, home } = scene
    gateway.bodyLimit = 20 * MIB
    const files = await Promise.all(['a', 'b', 'c', 'd'].map((name) => scene.file(`${name}.mp4`, 30 * MIB)))
    const { code, lines, stderr } = await scene.run(files.map(({ name }) => name))
    expect({ code, lines: lines.toSorted() }).toEqual({
      code: 0,
      lines: files.map((file) => scene.url(file)).toSorted(),
    })
    expect(stderr).not.toContain('[WARN]')
    const [memory] = await readdir(join(home.state, 'servers'))
    expect(JSON.parse(await readFile(join(home.state, 'servers', memory!), 'utf8'))).toMatchObject({
      chunkSize: 16 * MIB,
    })
    const { refusals } = gateway
    const next = await scene.file('next.mp4', 30 * MIB)
    expect((await scene.run([next.name, '--retry-for', '0'])).lines).toEqual([scene.url(next)])
    expect(gateway.refusals).toBe(refusals)
  })

  it('goes down to 1 MiB, also with the bytes of a pipe, and says what to do where that is too much', async () => {
    const { gateway } = scene
    await scene.newLine()
    gateway.bodyLimit = 2 * MIB
    const piped = await scene.file('piped.mp4', 20 * MIB)
    const client = scene.pipe(['-', '--name', piped.name])
    client.input.end(piped.bytes)
    expect(await client.outcome).toMatchObject({ code: 0, lines: [scene.url(piped)] })
    gateway.bodyLimit = 100_000
    const small = await scene.file('small.mp4', 200_000)
    const big = await scene.file('big.mp4', 9 * MIB)
    const { code, stderr } = await scene.run([small.name, big.name])
    expect(code).toBe(1)
    expect(stderr).toContain('big.mp4: A proxy on the way to the server refuses even requests of 1 MiB')
    expect(stderr).not.toContain('[WARN]')
  })
})

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import type { Writable } from 'node:stream'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import type { Outcome } from '../support/client.js'
import { pause } from '../support/server.js'
import { content, md5, stockUpload } from '../support/tus.js'
import { MIB, UploadScene } from '../support/uploading.js'

const PATIENT = { timeout: 30_000, interval: 10 }

describe('ferry upload of standard input', () => {
  let scene: UploadScene
  beforeAll(async () => void (scene = await UploadScene.open()))
  afterAll(() => scene.close())
  afterEach(() => scene.newLine())

  async function expectStored(bytes: Buffer, name: string, { code, lines }: Outcome): Promise<void> {
    const url = scene.url({ md5: md5(bytes), name })
    expect({ code, lines }).toEqual({ code: 0, lines: [url] })
    expect(await scene.md5At(url)).toBe(md5(bytes))
    await expect.poll(() => scene.server.inbox(), PATIENT).toEqual([])
  }

  async function feed(input: Writable, bytes: Buffer): Promise<void> {
    for (let at = 0; at < bytes.length; at += 100_000)
      if (!input.write(bytes.subarray(at, at + 100_000))) await once(input, 'drain')
    input.end()
  }

  it.each([
    ['nothing', 0],
    ['a byte', 1],
    ['less than a piece', 5 * MIB + 3],
    ['exactly a piece', 16 * MIB],
    ['exactly two pieces', 32 * MIB],
    ['some more than that', 33 * MIB + 1],
  ])('stores %s', async (_what, size) => {
    const { bytes } = content(size)
    const client = scene.pipe(['-', '--name', `p${size}.tar`])
    await feed(client.input, bytes)
    await expectStored(bytes, `p${size}.tar`, await client.outcome)
    expect(scene.line.up).toBeLessThan(size + 64 * 1024)
  })

  it('stores it together with files, under a name of its own', async () => {
    const file = await scene.file('beside.bin', 1000)
    const { bytes, md5 } = content(2000)
    const client = scene.pipe([file.name, '-', '--json'])
    client.input.end(bytes)
    const { code, lines } = await client.outcome
    expect(code).toBe(0)
    const [first, second, last] = lines.map((line) => JSON.parse(line) as Record<string, unknown>)
    expect(first).toMatchObject({ path: 'beside.bin' })
    expect(second).toMatchObject({ path: 'stdin', size: 2000, md5, status: 'stored' })
    expect(last).toMatchObject({ stored: 2, bytes: 3000 })
  })

  it('sends it no faster than it is told to, and not in bursts', async () => {
    const { bytes } = content(6 * MIB)
    const since = await scene.server.logged()
    const begun = performance.now()
    const client = scene.pipe(['-', '--name', 'slow.tar', '--limit-rate', '2M'])
    await feed(client.input, bytes)
    await expectStored(bytes, 'slow.tar', await client.outcome)
    expect(performance.now() - begun).toBeGreaterThan(1900)
    expect(await scene.count('PATCH', 'tus', since)).toBe(3)
  })

  it('does not store or send twice what is known', async () => {
    const { bytes, md5 } = content(3 * MIB)
    await stockUpload(scene.server.url, bytes, { metadata: { filename: 'known.mp4' } })
    await scene.newLine()
    const client = scene.pipe(['-', '--name', 'other.mkv'])
    client.input.end(bytes)
    const { code, lines } = await client.outcome
    expect({ code, lines }).toEqual({ code: 0, lines: [`${scene.server.url}/files/${md5}.mp4`] })
    expect(scene.line.up).toBeLessThan(64 * 1024)

    const big = content(20 * MIB)
    await stockUpload(scene.server.url, big.bytes, { metadata: { filename: 'known.mp4' } })
    const again = scene.pipe(['-'])
    await feed(again.input, big.bytes)
    expect((await again.outcome).lines).toEqual([`${scene.server.url}/files/${big.md5}.mp4`])
    expect((await scene.server.shelf()).filter((name) => name.startsWith(big.md5))).toHaveLength(1)
    await expect.poll(() => scene.server.inbox(), PATIENT).toEqual([])
  })

  it('goes on when the line breaks, again and again, and when the server is killed and comes back', async () => {
    const { bytes } = content(70 * MIB)
    await scene.newLine({ upRate: 24 * MIB })
    const client = scene.pipe(['-', '--name', 'broken.tar'])
    const fed = feed(client.input, bytes)
    for (const mark of [5, 20, 30]) {
      await expect.poll(() => scene.line.up, PATIENT).toBeGreaterThan(mark * MIB)
      scene.line.cut()
    }
    await expect.poll(() => scene.line.up, PATIENT).toBeGreaterThan(45 * MIB)
    await scene.server.kill()
    await pause(700)
    await scene.server.start()
    await fed
    const outcome = await client.outcome
    await expectStored(bytes, 'broken.tar', outcome)
    expect(outcome.stderr).toMatch(/trying again in/)
    expect(scene.line.up).toBeLessThan(70 * MIB + 4 * 17 * MIB)
  })

  it('takes what came for all that there is when its producer is killed', async () => {
    const client = scene.pipe(['-', '--name', 'killed.bin'])
    const producer = spawn('head', ['-c', String(5 * MIB), '/dev/zero'], {
      stdio: ['ignore', 'pipe', 'ignore'],
    })
    producer.stdout.pipe(client.input)
    await once(producer, 'close')
    await expectStored(Buffer.alloc(5 * MIB), 'killed.bin', await client.outcome)
  })

  it('ends when it is interrupted although nothing comes, and leaves nothing behind', async () => {
    const client = scene.pipe(['-', '--name', 'endless.bin'])
    client.input.write(content(17 * MIB).bytes)
    await expect.poll(() => scene.line.up, PATIENT).toBeGreaterThan(16 * MIB)
    await pause(300)
    const { code, stdout } = await client.kill('SIGINT')
    expect({ code, stdout }).toEqual({ code: 130, stdout: '' })
    await expect.poll(() => scene.server.inbox(), PATIENT).toEqual([])
  })

  it('says at once that the server has lost what nobody can read again', async () => {
    const client = scene.pipe(['-', '--name', 'lost.bin'])
    client.input.write(content(17 * MIB).bytes)
    await expect.poll(() => scene.line.up, PATIENT).toBeGreaterThan(16 * MIB)
    await expect.poll(() => scene.count('PATCH', 'tus'), PATIENT).toBeGreaterThan(0)
    await pause(500)
    for (const part of await scene.server.inbox())
      await fetch(`${scene.server.url}/tus/${part.replace('tmp_', '')}`, {
        method: 'DELETE',
        headers: { 'Tus-Resumable': '1.0.0' },
      })
    client.input.end(content(MIB).bytes)
    const { code, stderr } = await client.outcome
    expect(code).toBe(1)
    expect(stderr).toContain('The server lost a part of what came from standard input')
  })
})

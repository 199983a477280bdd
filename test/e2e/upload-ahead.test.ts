import { truncateSync } from 'node:fs'
import { appendFile, open, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { TestClient } from '../support/client.js'
import { pause } from '../support/server.js'
import { content, tus } from '../support/tus.js'
import { MIB, type TestFile, UploadScene, eventsOf } from '../support/uploading.js'

const PATIENT = { timeout: 30_000, interval: 10 }

describe('ferry upload of a big file that the server does not know', () => {
  let scene: UploadScene
  beforeAll(async () => void (scene = await UploadScene.open({ SCRUB_DAYS: '0' })))
  afterAll(() => scene.close())

  const seen = (pattern: RegExp, since: number) =>
    expect.poll(() => pattern.test(scene.server.output.slice(since)), PATIENT).toBe(true)

  it('is sent while it is hashed, and bound when its MD5 is known', async () => {
    const file = await scene.file('new.mp4', 32 * MIB)
    await scene.newLine({ upRate: 16 * MIB })
    const since = await scene.server.logged()
    const { code, lines } = await scene.run([file.name])
    expect({ code, lines }).toEqual({ code: 0, lines: [scene.url(file)] })
    expect(await scene.md5At(scene.url(file))).toBe(file.md5)
    const requests = await scene.requests(since)
    const created = requests.find(({ method, door }) => method === 'POST' && door === 'tus')
    expect(created).toMatchObject({ status: '201', outcome: 'open' })
    expect(created).not.toHaveProperty('md5')
    const bound = requests.findIndex(({ outcome }) => outcome === 'bound')
    const sent = requests.findIndex(({ method }) => method === 'PATCH')
    expect(bound).toBeGreaterThanOrEqual(0)
    expect(bound).toBeLessThan(sent)
    expect(scene.line.up).toBeLessThan(33 * MIB)
  })

  it('turns out to be known: it stops, leaves nothing behind and gives the URL', async () => {
    const file = await scene.file('copied.mp4', 64 * MIB)
    await scene.server.kill()
    await writeFile(join(scene.server.files, `${file.md5}.mp4`), file.bytes)
    await scene.server.start()
    await scene.newLine({ upRate: 8 * MIB })
    const since = await scene.server.logged()
    const outcome = await scene.run(['--json', file.name])
    expect(outcome.code).toBe(0)
    const result = eventsOf(outcome).find(({ event }) => event === 'result')
    expect(result).toMatchObject({ url: scene.url(file), status: 'known' })
    // It had begun to send, or this has proved nothing.
    expect(await scene.count('POST', 'tus', since)).toBe(1)
    expect(scene.line.up).toBeLessThan(40 * MIB)
    await expect.poll(() => scene.server.inbox(), PATIENT).toEqual([])
  })

  describe('and that changes meanwhile', () => {
    const changes: [string, (file: TestFile) => unknown][] = [
      ['longer', ({ path }) => appendFile(path, 'more')],
      ['shorter', ({ path, bytes }) => truncateSync(path, bytes.length - 2 * MIB)],
      [
        'other at the same size',
        async ({ path, bytes }) => {
          const handle = await open(path, 'r+')
          await handle.write(content(MIB).bytes, 0, MIB, bytes.length - MIB)
          await handle.close()
        },
      ],
    ]
    let sizes = 0
    it.each(changes)('%s: says so, and nothing wrong is stored', async (how, change) => {
      for (const extra of [[], ['--hash-first']]) {
        // No other file has its size: a server that may know it is asked first.
        const file = await scene.file(`${how}.bin`, 24 * MIB + sizes++)
        await scene.newLine({ upRate: 8 * MIB })
        const since = await scene.server.logged()
        const client = scene.start([file.name, ...extra])
        await (extra.length === 0 ? seen(/outcome=bound/, since) : seen(/method=POST door=tus/, since))
        await expect.poll(() => scene.line.up, PATIENT).toBeGreaterThan(4 * MIB)
        await change(file)
        const { code, stdout, stderr } = await client.outcome
        expect({ code, stdout }).toEqual({ code: 4, stdout: '' })
        expect(stderr).toContain(
          `[ERROR] The file changed while it was uploaded, run the command again: ${file.name}\n`,
        )
        await expect.poll(() => scene.server.inbox(), PATIENT).toEqual([])
        for (const name of await scene.server.shelf())
          expect(await scene.md5At(`${scene.server.url}/files/${name}`)).toBe(name.slice(0, 32))
      }
    })
  })
})

describe('ferry upload of what arrives from somebody else meanwhile', () => {
  let scene: UploadScene
  beforeAll(async () => void (scene = await UploadScene.open({ LEASE_SECONDS: '2' }, 'gateway')))
  afterAll(() => scene.close())

  let sizes = 0
  /** Our client has begun to send the file, and does so on; then somebody else declares its MD5 and sends a third. */
  async function meet(args: string[]): Promise<{ file: TestFile; client: TestClient; other: string }> {
    const file = await scene.file('both.mp4', 12 * MIB + ++sizes)
    await scene.newLine({ upRate: 2 * MIB })
    let letGo: () => void = () => undefined
    const claimed = new Promise<void>((resolve) => (letGo = resolve))
    scene.gateway.hold = (request) =>
      request.method === 'POST' && request.url!.startsWith('/check') ? claimed : undefined
    const client = scene.start([file.name, ...args])
    await expect.poll(() => scene.line.up, PATIENT).toBeGreaterThan(MIB)
    const claim = { md5: file.md5, filename: file.name, client: 'somebody else' }
    const other = tus.location(scene.server.url, await tus.create(scene.server.url, file.bytes.length, claim))
    await tus.patch(other, 0, file.bytes.subarray(0, 4 * MIB))
    letGo()
    return { file, client, other }
  }

  it('says that somebody else is sending it, and takes back what it has sent', async () => {
    const { client, other } = await meet([])
    const { code, stdout, stderr } = await client.outcome
    expect({ code, stdout }).toEqual({ code: 3, stdout: '' })
    expect(stderr).toContain(
      '[ERROR] both.mp4: Another client is uploading this file (4194304/12582913), try again later\n',
    )
    expect(await scene.server.inbox()).toHaveLength(1)
    await tus.terminate(other)
  })

  it('waits with --wait, and gives the URL when the other is done', async () => {
    const { file, client, other } = await meet(['--wait'])
    await client.until(/Another client is uploading this file, waiting for it: both.mp4/)
    const { up } = scene.line
    for (let at = 4; at <= 12; at += 2) {
      await pause(500)
      await tus.patch(other, at * MIB, file.bytes.subarray(at * MIB, (at + 2) * MIB))
    }
    const { code, lines } = await client.outcome
    expect({ code, lines }).toEqual({ code: 0, lines: [scene.url(file)] })
    expect(scene.line.up - up).toBeLessThan(MIB)
  })

  it('takes over with --wait when the other dies', async () => {
    const { file, client } = await meet(['--wait'])
    await client.until(/waiting for it/)
    const { up } = scene.line
    const { code, lines, stderr } = await client.outcome
    expect({ code, lines }).toEqual({ code: 0, lines: [scene.url(file)] })
    expect(stderr).toContain('[INFO] Going on from 4194304/')
    expect(scene.line.up - up).toBeLessThan(9 * MIB)
    expect(await scene.md5At(scene.url(file))).toBe(file.md5)
    await expect.poll(() => scene.server.inbox(), PATIENT).toEqual([])
  })
})

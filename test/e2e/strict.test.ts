import { mkdir, readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ClientHome } from '../support/client.js'
import { colliding, sha256 as sha256Of } from '../support/collision.js'
import { FakeFerry } from '../support/fake-ferry.js'
import { content, stockUpload, tus } from '../support/tus.js'
import { MIB, UploadScene, eventsOf } from '../support/uploading.js'

/** Smaller than what travels whole, than what is hashed first anyway, and larger. */
const SIZES = [1000, 300 * 1024, 9 * MIB]
const EN = { FERRY_LANG: 'en' }

describe('ferry upload --strict', () => {
  let scene: UploadScene
  let seed = 100
  beforeAll(async () => {
    scene = await UploadScene.open({ LEASE_SECONDS: '2', SCRUB_DAYS: '0' })
  })
  afterAll(() => scene.close())

  const stored = async (size: number) => {
    const both = colliding(size, seed++)
    await stockUpload(scene.server.url, both.one.bytes)
    return { ...both, path: await scene.home.write(`other-${seed}.bin`, both.other.bytes) }
  }

  for (const size of SIZES) {
    it(`brings a file of ${size} bytes, and says its SHA-256 to programs`, async () => {
      const file = await scene.file(`plain-${size}.bin`, size)
      for (const status of ['stored', 'known']) {
        const outcome = await scene.run([file.path, '--strict', '--json', '--no-progress'])
        expect(outcome.code, outcome.stderr).toBe(0)
        const result = { event: 'result', md5: file.md5, sha256: sha256Of(file.bytes), status }
        expect(eventsOf(outcome)).toContainEqual(expect.objectContaining(result))
      }
      expect(await scene.md5At(scene.url(file))).toBe(file.md5)
    })

    it(`refuses with exit code 4 the URL of another file of ${size} bytes that has the same MD5`, async () => {
      const { md5, path } = await stored(size)
      const before = scene.line.up
      const { code, stdout, stderr } = await scene.run([path, '--strict'])
      expect([code, stdout]).toEqual([4, ''])
      expect(stderr).toContain('two files have this MD5 and differ')
      // Nothing is sent to find that out, and nothing stays.
      expect(scene.line.up - before).toBeLessThan(1000)
      expect(await scene.server.inbox()).toEqual([])
      const dry = await scene.run([path, '--strict', '--dry-run'])
      expect([dry.code, dry.stdout]).toEqual([4, ''])
      // This is what the MD5 alone is worth.
      const trusting = await scene.run([path])
      expect([trusting.code, trusting.lines.at(-1)]).toEqual([0, `${scene.server.url}/files/${md5}.bin`])
    })
  }

  it('does the same for what comes out of a pipe', async () => {
    // In one piece, and in several that have to be dropped again.
    for (const size of [300 * 1024, 17 * MIB]) {
      const { other } = await stored(size)
      const refused = scene.pipe(['-', '--strict'])
      refused.input.end(other.bytes)
      expect(await refused.outcome).toMatchObject({ code: 4, stdout: '' })
      expect(await scene.server.inbox()).toEqual([])
    }
    const file = content(20 * MIB)
    const fine = scene.pipe(['-', '--strict', '--json'])
    fine.input.end(file.bytes)
    const outcome = await fine.outcome
    expect(outcome.code, outcome.stderr).toBe(0)
    const result = { event: 'result', md5: file.md5, sha256: sha256Of(file.bytes), status: 'stored' }
    expect(eventsOf(outcome)).toContainEqual(expect.objectContaining(result))
  })

  it('starts over, once, where somebody has left a beginning that spoils nothing but the SHA-256', async () => {
    const { md5, one, other } = colliding(2 * MIB, seed++)
    const left = await tus.create(scene.server.url, one.bytes.length, { md5 })
    await tus.patch(tus.location(scene.server.url, left), 0, other.bytes.subarray(0, MIB))
    await sleep(2200)
    const outcome = await scene.run([await scene.home.write('honest.bin', one.bytes), '--strict'])
    expect(outcome.code, outcome.stderr).toBe(0)
    expect(outcome.stderr).toContain('starting over from zero')
    const answer = await fetch(`${scene.server.url}/files/${md5}.bin`)
    expect(sha256Of(Buffer.from(await answer.arrayBuffer()))).toBe(one.sha256)
  })

  it('asks every file of a folder for itself, and goes on after one that collides', async () => {
    const { other } = await stored(1000)
    const home = await ClientHome.create()
    const folder = join(home.dir, 'many')
    await mkdir(folder)
    await writeFile(join(folder, 'a.bin'), other.bytes)
    await writeFile(join(folder, 'b.bin'), content(1000).bytes)
    const { code, lines, stderr } = await scene.run([folder, '--strict'])
    expect([code, lines.length]).toEqual([4, 1])
    expect(stderr).toMatch(/a\.bin: Integrity error/)
    expect(await readdir(folder)).toHaveLength(2)
    await home.remove()
  })

  it('fails with a server that does not compare, before anything is sent', async () => {
    const old = await FakeFerry.start()
    const { bytes, md5 } = content(300 * 1024)
    const path = await scene.home.write('for-an-old-one.bin', bytes)
    const run = (args: string[]) => scene.home.run([...args, '-s', old.url], EN)
    for (const isThere of [false, true]) {
      if (isThere) old.shelf.set(md5, bytes)
      const { code, stdout, stderr } = await run(['upload', path, '--strict'])
      expect([code, stdout]).toEqual([4, ''])
      expect(stderr).toContain('does not compare SHA-256')
      expect((await run(['check', path, '--strict'])).code).toBe(4)
    }
    expect(old.log.filter((line) => !line.startsWith('GET /check'))).toEqual([])
    const piped = await scene.home.run(['upload', '-', '--strict', '-s', old.url], EN, 'piped')
    expect([piped.code, piped.stdout]).toEqual([4, ''])
    await old.stop()
  })

  it('has a twin in ferry check --strict', async () => {
    const { one, path, md5 } = await stored(300 * 1024)
    const [right, server] = [await scene.home.write('right.bin', one.bytes), scene.line.address]
    const check = (...args: string[]) => scene.home.run(['check', '-s', server, ...args], EN)
    const fine = await check('--strict', right)
    expect(fine).toMatchObject({ code: 0 })
    expect(fine.lines).toEqual([`${right}: exists ${scene.server.url}/files/${md5}.bin`])
    const mixed = await check('--strict', path, right)
    expect(mixed.code).toBe(4)
    expect(mixed.lines[0]).toContain('two files have this MD5')
    expect(mixed.lines[1]).toContain('exists')
    const json = eventsOf(await check('--strict', '--json', path))
    expect(json).toMatchObject([{ status: 'error', code: 'collision' }])
    expect((await check(path)).code).toBe(0)
    expect(await check('--strict', md5)).toMatchObject({ code: 2, stdout: '' })
  })
})

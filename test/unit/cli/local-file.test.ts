import { createHash, randomBytes } from 'node:crypto'
import { mkdtemp, rename, rm, truncate, unlink, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { hashFile } from '#cli/hash.js'
import { LocalFile } from '#cli/local-file.js'

const bytes = randomBytes(3_000_000)
const nobody = new AbortController().signal
let folder: string
let path: string
let file: LocalFile

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ferry-local-'))
  path = join(folder, 'a.bin')
  await writeFile(path, bytes)
  file = await LocalFile.open(path, 'shown')
})
afterEach(async () => {
  await file.close()
  await rm(folder, { recursive: true })
})

describe('LocalFile', () => {
  it('reads any slice, as often as asked, even after a reader was stopped', async () => {
    const stopped = file.read(0, file.size, 1000)
    for await (const _piece of stopped) break
    expect((await buffer(file.read(10, 2_000_000, 65_536))).equals(bytes.subarray(10, 2_000_000))).toBe(true)
    expect(await buffer(file.read(file.size, file.size, 10))).toHaveLength(0)
  })

  it.each([
    [
      'replaced',
      () => rename(join(folder, 'a.bin'), join(folder, 'b.bin')).then(() => writeFile(path, bytes)),
    ],
    ['deleted', () => unlink(path)],
    ['touched', () => utimes(path, 1, 1)],
    ['longer', () => writeFile(path, 'x', { flag: 'a' })],
  ])('notices that it was %s, and still reads what was opened', async (_how, change) => {
    expect(await file.hasChanged()).toBe(false)
    await change()
    expect(await file.hasChanged()).toBe(true)
    expect((await buffer(file.read(0, file.size, 65_536))).equals(bytes)).toBe(true)
  })

  it('fails, and does not hang, where the file has become shorter', async () => {
    await truncate(path, 1_000_000)
    await expect(buffer(file.read(0, file.size, 65_536))).rejects.toMatchObject({
      code: 'file-changed',
      facts: { subject: 'shown' },
    })
  })
})

describe('hashFile', () => {
  it('is the MD5, and tells how far it is', async () => {
    const seen: number[] = []
    const md5 = await hashFile(file, (done) => seen.push(done), nobody)
    expect(md5).toBe(createHash('md5').update(bytes).digest('hex'))
    expect(seen.at(-1)).toBe(bytes.length)
    expect(seen).toEqual(seen.toSorted((a, b) => a - b))
  })

  it('does not believe a file that changes meanwhile', async () => {
    const hashing = hashFile(file, () => void utimes(path, 1, 1), nobody)
    await expect(hashing).rejects.toMatchObject({ code: 'file-changed' })
  })

  it('stops when it is told to', async () => {
    const controller = new AbortController()
    const hashing = hashFile(file, () => controller.abort(), controller.signal)
    await expect(hashing).rejects.toThrow()
  })
})

import { Follower } from '#src/store/follower.js'
import { appendFile, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { pause } from '../../support/server.js'
import { testFolder } from '../../support/folder.js'
import { content } from '../../support/tus.js'

const FROM_START = { hashedTo: 0, hashState: undefined }

function newFollower(): Follower {
  const follower = new Follower(1)
  onTestFinished(() => follower.close())
  return follower
}

describe('Follower', () => {
  it('has the md5 of a part that grew in steps', async () => {
    const file = content(5_000_000)
    const path = join(testFolder(), 'part')
    await writeFile(path, '')
    const follower = newFollower()
    follower.follow('p', path, FROM_START)
    for (let at = 0; at < file.bytes.length; at += 700_000) {
      await appendFile(path, file.bytes.subarray(at, at + 700_000))
      follower.advance('p', Math.min(file.bytes.length, at + 700_000))
    }
    expect((await follower.digests('p', file.bytes.length)).md5).toBe(file.md5)
  })

  it('goes on in another process from a state that was saved at any point', async () => {
    const file = content(3_000_001)
    const path = join(testFolder(), 'part')
    await writeFile(path, file.bytes)
    const first = newFollower()
    first.follow('p', path, FROM_START)
    first.advance('p', 1_234_567)
    await first.within('p', 0)
    const saved = await first.save('p')
    expect(saved.hashedTo).toBe(1_234_567)
    const second = newFollower()
    second.follow('p', path, saved)
    second.advance('p', file.bytes.length)
    expect((await second.digests('p', file.bytes.length)).md5).toBe(file.md5)
  })

  it('can be asked for the digest twice, and goes on after it: a finish that failed is tried again', async () => {
    const file = content(100_000)
    const path = join(testFolder(), 'part')
    await writeFile(path, file.bytes)
    const follower = newFollower()
    follower.follow('p', path, FROM_START)
    const start = content(0).md5
    expect((await follower.digests('p', 0)).md5).toBe(start)
    expect((await follower.digests('p', 100_000)).md5).toBe(file.md5)
    expect((await follower.digests('p', 100_000)).md5).toBe(file.md5)
  })

  it('keeps many parts apart, also after it has put them to sleep', async () => {
    const dir = testFolder()
    const files = Array.from({ length: 100 }, (_, index) => ({
      part: `p${index}`,
      ...content(20_000 + index),
    }))
    const follower = newFollower()
    for (const { part, bytes } of files) {
      await writeFile(join(dir, part), bytes)
      follower.follow(part, join(dir, part), FROM_START)
      follower.advance(part, 10_000)
    }
    await Promise.all(files.map(({ part }) => follower.within(part, 0)))
    await pause(2300)
    const digests = await Promise.all(files.map(({ part, bytes }) => follower.digests(part, bytes.length)))
    expect(digests).toMatchObject(files.map(({ md5 }) => ({ md5 })))
  })

  it('reads a part again from its start when its saved state is of no use', async () => {
    const file = content(50_000)
    const path = join(testFolder(), 'part')
    await writeFile(path, file.bytes)
    const follower = newFollower()
    follower.follow('p', path, { hashedTo: 20_000, hashState: Buffer.alloc(156, 1) })
    expect((await follower.digests('p', 50_000)).md5).toBe(file.md5)
  })

  it('says so when a part is shorter than it was told, and serves the others', async () => {
    const dir = testFolder()
    const file = content(1000)
    await writeFile(join(dir, 'short'), Buffer.alloc(10))
    await writeFile(join(dir, 'whole'), file.bytes)
    const follower = newFollower()
    follower.follow('short', join(dir, 'short'), FROM_START)
    follower.follow('whole', join(dir, 'whole'), FROM_START)
    await expect(follower.digests('short', 1000)).rejects.toMatchObject({ code: 'io-failed' })
    expect(follower.follows('short')).toBe(false)
    expect((await follower.digests('whole', 1000)).md5).toBe(file.md5)
  })

  it('lets those who wait know when a part is forgotten', async () => {
    const path = join(testFolder(), 'part')
    await writeFile(path, '')
    await truncate(path, 2 ** 31)
    const follower = newFollower()
    follower.follow('p', path, FROM_START)
    const digest = follower.digests('p', 2 ** 31)
    await pause(50)
    follower.forget('p')
    await expect(digest).rejects.toMatchObject({ code: 'gone' })
    expect(follower.follows('p')).toBe(false)
    follower.forget('p')
  })
})

import { readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { Flow } from '#cli/sending/flow.js'
import { testFolder } from '../../../support/folder.js'

const MIB = 1024 * 1024
const SERVER = 'http://ferry.example'

describe('Flow', () => {
  it('remembers for each server, over runs, what a proxy lets through', async () => {
    const folder = testFolder()
    const flow = await Flow.open(folder, SERVER)
    expect(flow.chunkSize).toBeUndefined()
    expect(await flow.shrink(1000 * MIB)).toBe(true)
    expect(flow.chunkSize).toBe(96 * MIB)
    expect((await Flow.open(folder, SERVER)).chunkSize).toBe(96 * MIB)
    expect((await Flow.open(folder, 'http://other.example')).chunkSize).toBeUndefined()
  })

  it('tries one size after the other, none of which was refused already, and ends', async () => {
    const flow = await Flow.open(testFolder(), SERVER)
    const sizes: (number | undefined)[] = []
    for (let refused = 50 * MIB; await flow.shrink(refused); refused = flow.chunkSize!)
      sizes.push(flow.chunkSize)
    expect(sizes).toEqual([16 * MIB, MIB])
    expect(flow.chunkSize).toBe(MIB)
  })

  it('becomes smaller once, where many files hear of one limit', async () => {
    const flow = await Flow.open(testFolder(), SERVER)
    const answers = await Promise.all(Array.from({ length: 8 }, () => flow.shrink(200 * MIB)))
    expect(answers).toEqual(Array(8).fill(true))
    expect(flow.chunkSize).toBe(96 * MIB)
  })

  it('does what the user says rather than what it remembers', async () => {
    const folder = testFolder()
    await (await Flow.open(folder, SERVER)).shrink(1000 * MIB)
    expect((await Flow.open(folder, SERVER, { chunkSize: 5 * MIB })).chunkSize).toBe(5 * MIB)
  })

  it('takes the speed of the line from what took a while, and never from a limit of its own', async () => {
    const folder = testFolder()
    const limited = await Flow.open(folder, SERVER, { limitRate: 1000 })
    await limited.measured(100 * MIB, 1000)
    expect(limited.bytesPerSecond).toBe(1000)
    const free = await Flow.open(folder, SERVER)
    expect(free.bytesPerSecond).toBeUndefined()
    await free.measured(MIB, 1)
    expect(free.bytesPerSecond).toBeUndefined()
    await free.measured(100 * MIB, 2000)
    expect((await Flow.open(folder, SERVER)).bytesPerSecond).toBe(50 * MIB)
  })

  it('does without a memory that is rubbish, or can not be kept', async () => {
    const folder = testFolder()
    await (await Flow.open(folder, SERVER)).shrink(1000 * MIB)
    const [name] = await readdir(join(folder, 'servers'))
    for (const rubbish of ['', '{"chunkSize":-1,"bytesPerSecond":"fast"}', 'null', '[]']) {
      await writeFile(join(folder, 'servers', name!), rubbish)
      expect((await Flow.open(folder, SERVER)).chunkSize).toBeUndefined()
    }
    await writeFile(join(folder, 'file'), '')
    const flow = await Flow.open(join(folder, 'file'), SERVER)
    expect(await flow.shrink(1000 * MIB)).toBe(true)
    expect(flow.chunkSize).toBe(96 * MIB)
  })
})

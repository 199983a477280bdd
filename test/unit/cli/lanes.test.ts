import { Lanes } from '#cli/sending/lanes.js'
import { describe, expect, it } from 'vitest'

async function* from<T>(items: T[]): AsyncGenerator<T> {
  yield* items
}

/** Runs things that end when they are told to, and says what has run beside what. */
function laneTest(concurrency: number) {
  const running: string[] = []
  const ends = new Map<string, (error?: Error) => void>()
  const lanes = new Lanes<string>({
    concurrency,
    isBig: (name) => name.startsWith('B'),
    act: (name) => {
      running.push(name)
      return new Promise((resolve, reject) =>
        ends.set(name, (error) => {
          running.splice(running.indexOf(name), 1)
          if (error) reject(error)
          else resolve()
        }),
      )
    },
  })
  const settle = () => new Promise((resolve) => void setTimeout(resolve, 5))
  const end = async (name: string, error?: Error) => {
    ends.get(name)!(error)
    await settle()
  }
  return { lanes, running, end, settle }
}

describe('Lanes', () => {
  it('gives small things the slots beside a big one', async () => {
    const { lanes, running, end, settle } = laneTest(2)
    const names = Array.from({ length: 9 }, (_, index) => `s${index}`)
    const done = lanes.run(from(['B1', 'B2', ...names]))
    await settle()
    expect(running).toEqual(['B1', ...names.slice(0, 8)])
    await end('s0')
    expect(running).toContain('s8')
    for (const name of names.slice(1)) await end(name)
    expect(running).toEqual(['B1', 'B2'])
    for (const name of ['B1', 'B2']) await end(name)
    await done
  })

  it('gives all slots to big things where nothing small waits, and eight small ones to a slot', async () => {
    const bigs = laneTest(3)
    const done = bigs.lanes.run(from(['B1', 'B2', 'B3', 'B4']))
    await bigs.settle()
    expect(bigs.running).toEqual(['B1', 'B2', 'B3'])
    for (const name of ['B1', 'B2', 'B3', 'B4']) await bigs.end(name)
    await done
    const smalls = laneTest(2)
    const names = Array.from({ length: 20 }, (_, index) => `s${index}`)
    const all = smalls.lanes.run(from(names))
    await smalls.settle()
    expect(smalls.running).toHaveLength(16)
    for (const name of names) await smalls.end(name)
    await all
  })

  it('ends when one act fails, after those that run', async () => {
    const { lanes, running, end, settle } = laneTest(1)
    const done = lanes.run(from(Array.from({ length: 12 }, (_, index) => `s${index + 1}`)))
    done.catch(() => undefined)
    await settle()
    await end('s1', new Error('interrupted'))
    const others = Array.from({ length: 7 }, (_, index) => `s${index + 2}`)
    expect(running).toEqual(others)
    for (const name of others) await end(name)
    await expect(done).rejects.toThrow('interrupted')
  })

  it('asks for no more than it can hold', async () => {
    let asked = 0
    async function* endless() {
      for (;;) yield `s${asked++}`
    }
    const { lanes, end, settle } = laneTest(1)
    const done = lanes.run(endless())
    done.catch(() => undefined)
    await settle()
    expect(asked).toBeLessThan(300)
    await end('s0', new Error('enough'))
    for (let index = 1; index < 8; index++) await end(`s${index}`)
    await expect(done).rejects.toThrow('enough')
  })
})

import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { describe, expect, it, onTestFinished } from 'vitest'
import { pause } from '../support/server.js'
import { missing } from '../support/tools.js'
import { nextLine, Talk } from '../support/wire/talk.js'
import { Wire, wireTrouble } from '../support/wire/wire.js'

const MIB = 1024 * 1024

const trouble = wireTrouble()
const skipped = missing('ip', 'python3') || (trouble === undefined ? '' : ` (skipped: ${trouble})`)

async function open(options: Parameters<typeof Wire.open>[0]): Promise<{ wire: Wire; talk: Talk }> {
  const wire = await Wire.open(options)
  onTestFinished(() => wire.close())
  return { wire, talk: new Talk(wire) }
}

describe.skipIf(skipped)(`a wire between two networks${skipped}`, () => {
  it('is as long as it was told, and as it is told later', async () => {
    const { wire, talk } = await open({ rtt: 200 })
    await talk.echo()
    expectWithin(await talk.connect(), 195, 400)
    await wire.change({ rtt: 20 })
    expectWithin(await talk.connect(), 19, 150)
  })

  it('carries no more in a second than it was told, and not much less', async () => {
    const { wire, talk } = await open({ rtt: 20, rate: 10 })
    await talk.echo()
    const milliseconds = await talk.fetch(2 * MIB)
    expectWithin((2 * MIB * 8) / 1000 / milliseconds, 4, 10)
    const { there, back } = await wire.count()
    for (const { bytes, lost } of [there, back]) {
      expect(bytes).toBeGreaterThan(2 * MIB)
      expect(lost).toBe(0)
    }
  })

  it('drops what its queue has no room for', async () => {
    const { wire, talk } = await open({ rtt: 20, rate: 1 })
    const arrived = await talk.datagrams()
    // It is the least one, of 32 full packets.
    expectWithin(arrived.length, 40, 60)
    expect((await wire.count()).there).toMatchObject({ lost: 0, full: 100 - arrived.length })
  })

  it('lets nothing through while it is dead, and then the same connection goes on', async () => {
    const { wire, talk } = await open({ rtt: 20 })
    await talk.echo()
    let heard = 0
    talk.chat().stdout.on('data', (text: Buffer) => (heard += text.length))
    await expect.poll(() => heard, { timeout: 20_000 }).toBeGreaterThan(5)
    await wire.die(true)
    // What had arrived is on its way through the programs' pipes.
    await pause(500)
    const before = heard
    await pause(1000)
    expect(heard).toBe(before)
    await wire.die(false)
    await expect.poll(() => heard, { timeout: 30_000 }).toBeGreaterThan(before + 5)
  })

  it('breaks a connection, as often as it was told, and both ends hear of it', async () => {
    const { wire, talk } = await open({ rtt: 20 })
    const ends = [await talk.echo(), talk.chat()]
    const exits = Promise.all(ends.map((end) => once(end, 'close')))
    const said = ends.map(() => '')
    ends.forEach(({ stdout }, n) =>
      stdout.on('data', (text: Buffer) => (said[n] += text.toString())).resume(),
    )
    await expect.poll(() => said[1], { timeout: 20_000 }).toContain('.')
    expect((await wire.count()).there.broken).toBe(0)
    await wire.change({ reset: 100 })
    await exits
    for (const words of said) expect(words).toMatch(/ECONNRESET\n$/)
    const { there, back } = await wire.count()
    expect(there.broken + back.broken).toBeGreaterThan(0)
  })

  it('lets an end move: what it was connected to hears no more of it, and new connections work', async () => {
    const { wire, talk } = await open({ rtt: 20 })
    await talk.echo()
    let heard = 0
    talk.chat().stdout.on('data', (text: Buffer) => (heard += text.length))
    await expect.poll(() => heard, { timeout: 20_000 }).toBeGreaterThan(5)
    await wire.move('near', '192.0.2.9')
    await pause(500)
    const before = heard
    expectWithin(await talk.connect(), 19, 500)
    await pause(1000)
    expect(heard).toBe(before)
  })

  it('loses about as many packets as it was told, and the same ones with the same seed', async () => {
    const arrived = async (seed: number) => (await open({ rtt: 20, loss: 30, seed })).talk.datagrams()
    const first = await arrived(1)
    expectWithin(first.length, 50, 90)
    expect(await arrived(1)).toEqual(first)
    expect(await arrived(2)).not.toEqual(first)
  })

  it('leaves nothing behind when it is closed, not even a program at one end', async () => {
    const { wire, talk } = await open({})
    const exited = once(await talk.echo(), 'exit')
    const names = [wire.namespace('near'), wire.namespace('far')]
    expect(present(names)).toEqual(names)
    await wire.close()
    await exited
    expect(present(names)).toEqual([])
    await expect.poll(deviceNames, { timeout: 10_000 }).toEqual([])
  })

  it('leaves nothing behind when who laid it is killed', async () => {
    const code = `
      import { Wire } from ${JSON.stringify(new URL('../support/wire/wire.ts', import.meta.url))}
      import { Talk } from ${JSON.stringify(new URL('../support/wire/talk.ts', import.meta.url))}
      const wire = await Wire.open()
      const { pid } = await new Talk(wire).echo()
      console.log(JSON.stringify([wire.namespace('near'), wire.namespace('far'), pid]))`
    const args = ['--import', import.meta.resolve('tsx'), '--input-type=module', '-e', code]
    const parent = spawn(process.execPath, args)
    const [near, far, pid] = JSON.parse(await nextLine(parent)) as [string, string, number]
    expect(present([near, far])).toEqual([near, far])
    parent.kill('SIGKILL')
    await expect.poll(() => present([near, far]), { timeout: 20_000 }).toEqual([])
    await expect.poll(() => runs(pid), { timeout: 20_000 }).toBe(false)
  })
})

function expectWithin(value: number, least: number, most: number): void {
  expect(value).toBeGreaterThanOrEqual(least)
  expect(value).toBeLessThanOrEqual(most)
}

/** Those of these namespaces that there are. */
function present(names: string[]): string[] {
  const all = execFileSync('ip', ['netns', 'list']).toString()
  return names.filter((name) => all.includes(name))
}

/** A wire's devices are in the machine's own network for a moment only, under such names. */
function deviceNames(): string[] {
  const all = execFileSync('ip', ['-o', 'link', 'show']).toString()
  return all.match(/\bferry\d+(?=:)/g) ?? []
}

function runs(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

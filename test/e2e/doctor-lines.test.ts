import { spawn } from 'node:child_process'
import { once } from 'node:events'
import type { ServerResponse } from 'node:http'
import { text } from 'node:stream/consumers'
import { choose } from '#cli/commands/doctor/choice.js'
import { rateBetween } from '#cli/commands/doctor/numbers.js'
import { counted } from '#cli/commands/doctor/counted.js'
import { Round } from '#cli/commands/doctor/round.js'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { CLIENT, ClientHome } from '../support/client.js'
import { ForwardProxy } from '../support/forward-proxy.js'
import { Gate } from '../support/gate.js'
import { MAIN, pause, TestServer } from '../support/server.js'
import { find, missing } from '../support/tools.js'
import { Wire, wireTrouble } from '../support/wire/wire.js'

interface Seen {
  step: string
  level: string
  message: string
  [fact: string]: unknown
}

interface Rates {
  rates: { connections: number; bytesPerSecond: number }[]
}

/** What `ferry doctor --json` has said, by its steps. */
function stepsOf(output: string): (step: string) => Seen | undefined {
  const seen = output
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Seen)
  return (step) => seen.find((each) => each.step === step)
}

const ask = ['doctor', '--json', '-s']
const env = { FERRY_LANG: 'en' }
const onLinux = find('ss') ? it : it.skip
const noSs = missing('ss')

/** The uploads over several connections that come through a gate. */
interface Watched {
  /** How many have been asked for. */
  opened: number
  /** Resolves when a piece has been kept from the server. */
  caught: Promise<void>
}

/** Pieces go on to the server unless `keeps` is true for how many uploads there are by then. */
function watch(
  gate: Gate,
  keeps: (opened: number, response: ServerResponse) => boolean,
  onOpened: (opened: number) => void = () => undefined,
): Watched {
  let isCaught: () => void
  const watched = { opened: 0, caught: new Promise<void>((resolve) => (isCaught = resolve)) }
  gate.intercept = ({ method, headers }, response) => {
    if (headers['upload-concat']) onOpened((watched.opened += 1))
    const isKept = method === 'PATCH' && keeps(watched.opened, response)
    if (isKept) isCaught()
    return isKept
  }
  onTestFinished(() => void (gate.intercept = () => false))
  return watched
}

describe('doctor, of several connections', () => {
  let server: TestServer
  let home: ClientHome
  let gate: Gate
  beforeAll(async () => {
    server = await TestServer.start({ env: { ALLOWED_HOSTS: 'files.test' } })
    home = await ClientHome.create()
    gate = await Gate.to(server.port)
  })
  afterAll(() => Promise.all([gate.stop(), server.stop(), home.remove()]))

  async function examine(address: string, more: Record<string, string> = {}) {
    const { code, stdout } = await home.run([...ask, address], { ...env, ...more })
    expect(await server.inbox()).toEqual([])
    return { code, at: stepsOf(stdout) }
  }

  onLinux(`finds that one is enough where nothing is lost and nobody is far${noSs}`, async () => {
    const { code, at } = await examine(server.address)
    expect(code).toBe(0)
    expect(at('rtt')).toMatchObject({ level: 'ok', to: 'server' })
    expect(Number(at('rtt')?.['ms'])).toBeLessThan(5)
    expect(at('loss')).toMatchObject({ level: 'ok', percent: 0, resentBytes: 0 })
    expect(at('loss')?.message).toMatch(/^nothing of .* had to be sent again$/)
    const { rates } = at('parallel') as unknown as Rates
    expect(rates.slice(0, 2).map(({ connections }) => connections)).toEqual([1, 4])
    expect(at('auto')).toMatchObject({ level: 'ok', connections: 1, reason: 'quick' })
    expect(at('auto')?.message).toMatch(/--connections auto would use 1: /)
  })

  it('leaves the loss out where there is no ss, and measures the rest', async () => {
    const { code, at } = await examine(server.address, { PATH: home.dir })
    expect(code).toBe(0)
    expect(at('loss')).toMatchObject({ level: 'ok', measured: false })
    expect(at('loss')?.message).toMatch(/not measured: the program ss/)
    expect(at('rtt')).toMatchObject({ level: 'ok', ms: expect.any(Number) as number })
    expect((at('parallel') as unknown as Rates).rates.length).toBeGreaterThan(1)
    expect(at('auto')?.level).toBe('ok')
  })

  it('says of an older server that it takes one connection only', async () => {
    gate.drops = ['tus-extension']
    onTestFinished(() => void (gate.drops = []))
    const { code, at } = await examine(gate.address)
    expect(code).toBe(0)
    expect(at('parallel')).toMatchObject({ level: 'ok', measured: false })
    expect(at('parallel')?.message).toMatch(/does not announce tus concatenation/)
    expect((at('parallel') as unknown as Rates).rates).toMatchObject([{ connections: 1 }])
    expect(at('rtt')?.level).toBe('ok')
    expect(at('auto')).toBeUndefined()
    expect(gate.seen.filter(({ headers }) => headers['upload-concat'])).toEqual([])
  })

  it('says that it is the way to the proxy where one is in use', async () => {
    const proxy = await ForwardProxy.start()
    const { at } = await examine(`files.test:${server.port}`, { HTTP_PROXY: `http://${proxy.address}` })
    await proxy.stop()
    expect(at('rtt')).toMatchObject({ level: 'ok', to: 'proxy' })
    expect(at('rtt')?.message).toMatch(/to the proxy and back, what lies behind it not counted/)
    expect((at('parallel') as unknown as Rates).rates.length).toBeGreaterThan(1)
  })

  it('measures below a limit of requests that a proxy has', async () => {
    gate.maxBody = 100_000
    onTestFinished(() => void (gate.maxBody = Infinity))
    const { at } = await examine(gate.address)
    expect(at('body')).toMatchObject({ limited: true })
    expect((at('parallel') as unknown as Rates).rates.length).toBeGreaterThan(1)
  })

  it('says so where one of several is cut off, and takes back what the others had sent', async () => {
    let cut = 0
    const pieces = watch(
      gate,
      (opened, response) => opened > 0 && cut++ === 5 && response.destroy().destroyed,
    )
    const { code, at } = await examine(gate.address)
    expect(pieces.opened).toBe(4)
    expect(code).toBe(0)
    expect(at('parallel')).toMatchObject({
      level: 'warning',
      measured: false,
      broken: { connections: 4, reason: 'ECONNRESET' },
    })
    expect(at('parallel')?.message).toMatch(/with 4 connections at once .* --connections 1$/)
    expect(at('auto')).toBeUndefined()
  })

  it('takes back what is there when it is interrupted', async () => {
    const { caught } = watch(gate, (opened) => opened === 4)
    const client = home.start([...ask, gate.address], env)
    await caught
    expect((await server.inbox()).length).toBe(4)
    expect((await client.kill('SIGINT')).code).toBe(130)
    expect(await server.inbox()).toEqual([])
  })

  it.each([1, 4])('takes back, too, what it has asked for a moment ago: %d of 4', async (count) => {
    watch(
      gate,
      () => false,
      (opened) => opened === count && client.child.kill('SIGINT'),
    )
    const client = home.start([...ask, gate.address], env)
    expect((await client.outcome).code).toBe(130)
    expect(await server.inbox()).toEqual([])
  })
})

const trouble = wireTrouble()
const skipped = missing('ip', 'python3', 'ss') || (trouble === undefined ? '' : ` (skipped: ${trouble})`)

describe.skipIf(skipped)(`doctor, over a long wire${skipped}`, () => {
  /** A server at the far end, and a doctor at the near one. */
  async function over(line: Parameters<typeof Wire.open>[0]) {
    const wire = await Wire.open(line)
    onTestFinished(() => wire.close())
    const { program, args } = wire.in('far', process.execPath, [MAIN])
    const server = await TestServer.start({ command: [program, ...args] })
    onTestFinished(() => server.stop())
    const address = `${wire.address('far')}:${server.port}`
    const doctor = () => {
      const { program, args } = wire.in('near', process.execPath, [CLIENT, ...ask, address])
      const child = spawn(program, args, {
        env: { PATH: process.env['PATH'], HOME: server.dir, ...env },
        stdio: ['ignore', 'pipe', 'inherit'],
      })
      return { child, output: text(child.stdout), closed: once(child, 'close') }
    }
    return { server, doctor }
  }

  async function examine(line: Parameters<typeof Wire.open>[0]) {
    const { server, doctor } = await over(line)
    const { output, closed } = doctor()
    const [at, [code]] = [stepsOf(await output), await closed]
    expect({ code, inbox: await server.inbox() }).toEqual({ code: 0, inbox: [] })
    return at
  }

  it.each([0.5, 1])(
    'finds that several bring much more where %s per cent is lost on 100 ms',
    async (loss) => {
      const at = await examine({ rtt: 100, loss, seed: 2 })
      expectWithin(Number(at('rtt')?.['ms']), 95, 130)
      expectWithin(Number(at('loss')?.['percent']), loss / 3, loss * 3)
      expect(at('loss')?.message).toMatch(/the line loses packets/)
      const { rates } = at('parallel') as unknown as Rates
      expect(rates[1]!.bytesPerSecond).toBeGreaterThan(2 * rates[0]!.bytesPerSecond)
      expect(at('auto')).toMatchObject({ reason: 'held' })
      expect(Number(at('auto')?.['connections'])).toBeGreaterThanOrEqual(4)
    },
  )

  it('finds that one fills a narrow line', async () => {
    const at = await examine({ rtt: 20, rate: 4 })
    const { rates } = at('parallel') as unknown as Rates
    expectWithin(rates[0]!.bytesPerSecond, 200_000, 500_000)
    // A busy machine may hold the first of them up.
    const gain = Math.max(...rates.map((rate) => rate.bytesPerSecond)) / rates[0]!.bytesPerSecond
    expect(gain).toBeLessThan(2.5)
    expect(at('auto')).toMatchObject(gain < 1.5 ? { connections: 1, reason: 'full' } : { reason: 'held' })
    expect(at('loss')?.level).toBe('ok')
  })

  it('leaves nothing behind when it is interrupted in the middle', async () => {
    const { server, doctor } = await over({ rtt: 100, loss: 1, rate: 2 })
    const { child, closed } = doctor()
    await expect.poll(async () => (await server.inbox()).length, { timeout: 50_000 }).toBe(4)
    await pause(1000)
    child.kill('SIGINT')
    expect((await closed)[0]).toBe(130)
    expect(await server.inbox()).toEqual([])
  })
})

function expectWithin(value: number, least: number, most: number): void {
  expect(value).toBeGreaterThanOrEqual(least)
  expect(value).toBeLessThanOrEqual(most)
}

describe('what the system tells of connections', () => {
  it('is the sum of all, in one line each or in two, with what is nought left out', () => {
    const one =
      'ESTAB 0 0 10.0.0.2:37444 10.0.0.1:80\n\t cubic rtt:105.968/3.271 bytes_sent:1500 bytes_retrans:30 bytes_acked:1470 retrans:0/2 rcv_rtt:1 minrtt:99.4\n'
    const other = 'ESTAB 0 0 [fd00::2]:37446 [fd00::1]:80 cubic rtt:120/4 bytes_sent:500 minrtt:98\n'
    expect(counted(one + other)).toEqual({ connections: 2, sent: 2000, resent: 30, leastMs: 98, busyMs: 120 })
  })

  it('does not take for lost what has come twice', () => {
    const text =
      'ESTAB 0 0 10.0.0.2:37444 10.0.0.1:80\n\t bytes_sent:1500 bytes_retrans:400 retrans:0/4 dsack_dups:3\n'
    expect(counted(text)).toMatchObject({ sent: 1500, resent: 100 })
  })

  it.each(['', 'ESTAB 0 0 10.0.0.2:1 10.0.0.1:80\n\t cubic wscale:7,7 rto:204\n'])(
    'is nothing where it says nothing: %j',
    (output) => {
      expect(counted(output)).toBeUndefined()
    },
  )
})

describe('what auto would use', () => {
  const MIB = 1024 * 1024
  const rates = (...speeds: number[]) =>
    speeds.map((speed, at) => ({ connections: [1, 4, 8][at]!, bytesPerSecond: speed * MIB }))

  it.each([
    [[1, 4, 8], 100, 0.01, 8, 'held'],
    [[1, 4, 4.5], 100, 0.01, 4, 'held'],
    [[1, 4], 100, undefined, 4, 'held'],
    [[1, 1.4], 100, 0.01, 1, 'full'],
    [[40, 160, 320], 100, 0.01, 1, 'quick'],
    [[1, 4, 8], 3, 0, 1, 'quick'],
    [[1, 4, 8], 3, 0.01, 8, 'held'],
    [[1, 4, 8], 3, undefined, 8, 'held'],
  ] as const)(
    'is, of %j MiB/s after %d ms with a loss of %d: %d, %s',
    (speeds, ms, loss, connections, reason) => {
      expect(choose(rates(...speeds), ms, loss)).toEqual({ connections, reason })
    },
  )

  it.each([
    [0.4, 3000],
    [210.7, 3161],
    [5000.3, 4400],
  ])('takes the longer the more a piece costs, within bounds: %d ms make %d', (costs, expected) => {
    const round = new Round(new AbortController().signal, costs)
    round.close()
    expect(round.ends - round.begun).toBeCloseTo(expected, 0)
  })

  it('goes by what came within the time', () => {
    const pieces = [
      { begun: 0, ended: 1000, bytes: 1000 },
      { begun: 1000, ended: 2000, bytes: 3000 },
    ]
    expect(rateBetween(pieces, 500, 1500)).toBe(2000)
    expect(rateBetween([], 0, 1000)).toBe(0)
  })
})

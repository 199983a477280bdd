import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { getOne } from '#cli/get/get.js'
import type { Wishes } from '#cli/get/order.js'
import { Limiter } from '#cli/sending/limiter.js'
import { Downline } from '../support/downline.js'
import { filePart, formBytes, post } from '../support/form.js'
import { GetFolder, Getter, testTools } from '../support/getter.js'
import { pause, TestServer } from '../support/server.js'
import { content, md5 } from '../support/tus.js'

const MIB = 1024 * 1024

let server: TestServer
let file: { bytes: Buffer; md5: string }
beforeAll(async () => {
  server = await TestServer.start()
  file = content(24 * MIB)
  const sent = await post(server.url, formBytes({ head: filePart('x'), body: file.bytes }))
  expect(sent.reply).toMatchObject({ status: 'ok' })
})
afterAll(() => server.stop())

/** A line on which each connection brings so many bytes a second. */
async function downline(rate = Infinity): Promise<Downline> {
  const line = await Downline.to(server.port)
  onTestFinished(() => line.close())
  line.rate = rate
  return line
}

function orderOf(folder: GetFolder, { url }: Downline, wishes: Partial<Wishes> = {}) {
  return { ...folder.wishes(url, { connections: 'auto', ...wishes }), source: file.md5, output: 'out' }
}

/** Gets the file; in how many seconds. */
async function get(line: Downline, wishes: Partial<Wishes> = {}): Promise<number> {
  const folder = await GetFolder.create()
  const begun = performance.now()
  await getOne(orderOf(folder, line, wishes), testTools())
  const seconds = (performance.now() - begun) / 1000
  expect(md5(await folder.read('out'))).toBe(file.md5)
  return seconds
}

describe('ferry get --connections auto', () => {
  it('asks once on a good line, over one connection', async () => {
    const line = await downline()
    const before = server.output.length
    await get(line)
    expect(line.connections).toBe(1)
    await server.logged()
    expect(requests(before)).toBe(1)
  })

  it('takes more connections where each brings little, and brings each byte about once', async () => {
    const line = await downline(MIB)
    expect(await get(line)).toBeLessThan(24 / 2)
    expect(line.mostAtOnce).toBeGreaterThanOrEqual(6)
    expect(line.down).toBeLessThan(1.1 * file.bytes.length)
  })

  it('takes no more where the rate is limited by the user, and keeps to that', async () => {
    const line = await downline()
    expect(await get(line, { limiter: new Limiter(4 * MIB) })).toBeGreaterThan(24 / 4 - 0.5)
    expect(line.connections).toBe(1)
  })

  it('keeps to a limited rate with all connections together', async () => {
    const line = await downline(MIB)
    expect(await get(line, { limiter: new Limiter(3 * MIB) })).toBeGreaterThan(24 / 3 - 0.5)
    expect(line.mostAtOnce).toBeGreaterThan(1)
  })

  it('goes on after a kill with what all of them had recorded', async () => {
    const folder = await GetFolder.create()
    const line = await downline(MIB)
    const getter = new Getter(orderOf(folder, line))
    await getter.until(async () => (await folder.recorded('out')) > 8 * MIB)
    await getter.kill()
    const recorded = await folder.recorded('out')
    line.rate = Infinity
    const before = line.down
    const tools = testTools()
    await getOne(orderOf(folder, line), tools)
    expect(tools.lines.join('\n')).toContain(`Going on: ${recorded}/`)
    expect(md5(await folder.read('out'))).toBe(file.md5)
    expect(line.down - before).toBeLessThan(file.bytes.length - recorded + 100_000)
  })

  it('does without a second one where the server allows one only', async () => {
    const line = await downline(2 * MIB)
    line.most = 1
    await get(line)
    expect(line.connections).toBeGreaterThan(1)
  })
})

describe.each([4, 'auto'] as const)('ferry get --connections %s', (connections) => {
  it('does not wait for a connection that crawls: another one brings its rest', async () => {
    const line = await downline(MIB)
    line.rates.set(3, 4096)
    expect(await get(line, { connections })).toBeLessThan(13)
    expect(line.open).not.toContain(3)
  })

  it('gives the range of a connection that has fallen silent to another one, before the line would count as dead', async () => {
    const folder = await GetFolder.create()
    const line = await downline(MIB / 4)
    const getter = new Getter(orderOf(folder, line, { connections, stallMs: 6000 }))
    await getter.until(() => line.connections >= 3)
    await pause(500)
    line.silence([3])
    const silentSince = performance.now()
    await getter.until(() => !line.open.includes(3))
    expect(performance.now() - silentSince).toBeLessThan(5000)
    expect(await folder.recorded('out')).toBeLessThan(20 * MIB)
    line.rate = Infinity
    expect(await getter.exited, getter.output).toBe(0)
    expect(md5(await folder.read('out'))).toBe(file.md5)
    expect(getter.output).not.toContain('trying again')
  })
})

/** How often the file was asked for. */
function requests(since: number): number {
  return server.output.slice(since).match(/method=GET door=files /g)?.length ?? 0
}

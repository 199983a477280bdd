import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { filePart, formBytes, post } from '../support/form.js'
import { GetFolder, Getter } from '../support/getter.js'
import { MAIN, pause, TestServer } from '../support/server.js'
import { missing } from '../support/tools.js'
import { content, md5 } from '../support/tus.js'
import { type Line, Wire, wireTrouble } from '../support/wire/wire.js'

const MIB = 1024 * 1024
const LONG: Line = { rtt: 100, loss: 0.5, rate: 50 }
const CLEAN: Line = { rtt: 20, loss: 0, rate: 50 }

const trouble = wireTrouble()
const skipped = missing('ip', 'python3') || (trouble === undefined ? '' : ` (skipped: ${trouble})`)

describe.skipIf(skipped)(`ferry get over a wire${skipped}`, () => {
  const small = content(10 * MIB)
  const large = content(64 * MIB)
  let wire: Wire
  let server: TestServer
  beforeAll(async () => {
    wire = await Wire.open(LONG)
    const here = await TestServer.start()
    for (const { bytes } of [small, large])
      expect(await post(here.url, formBytes({ head: filePart('x'), body: bytes }))).toMatchObject({
        reply: { status: 'ok' },
      })
    await here.terminate()
    const { program, args } = wire.in('far', process.execPath, [MAIN])
    server = await TestServer.start({ dir: here.dir, command: [program, ...args] })
  })
  afterAll(async () => {
    await server?.stop()
    await wire?.close()
  })

  /** Gets one; in how many seconds, and with how many requests. */
  async function get(file: typeof small, line: Line, connections: number | 'auto') {
    await wire.change(line)
    const folder = await GetFolder.create()
    const url = `http://${wire.address('far')}:${server.port}`
    const since = server.output.length
    const order = { ...folder.wishes(url, { connections }), source: file.md5, output: 'out' }
    const getter = new Getter(order, (program, args) => wire.in('near', program, args))
    await getter.until(() => getter.output.includes('Get: '))
    const begun = performance.now()
    expect(await getter.exited, getter.output).toBe(0)
    const seconds = (performance.now() - begun) / 1000
    expect(md5(await folder.read('out'))).toBe(file.md5)
    // The log gathers its lines for a moment.
    await pause(300)
    const requests = server.output.slice(since).match(/method=GET door=files /g)?.length ?? 0
    return { seconds, requests }
  }

  it('that is long and loses packets takes less than half the time with as many connections as help', async () => {
    const one = await get(small, LONG, 1)
    const auto = await get(small, LONG, 'auto')
    expect(auto.seconds).toBeLessThan(one.seconds / 2)
  })

  it('that loses none asks once, and is as fast, where the file is soon there', async () => {
    const one = await get(small, CLEAN, 1)
    const auto = await get(small, CLEAN, 'auto')
    expect([one.requests, auto.requests]).toEqual([1, 1])
    expect(auto.seconds).toBeLessThan(1.25 * one.seconds)
  })

  it('that loses none is as fast, with few connections, where it takes a while', async () => {
    const one = await get(large, CLEAN, 1)
    const auto = await get(large, CLEAN, 'auto')
    expect(auto.seconds).toBeLessThan(1.25 * one.seconds)
  })
})

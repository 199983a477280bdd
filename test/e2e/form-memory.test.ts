import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { platform } from 'node:os'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { formBytes, post } from '../support/form.js'
import { TestServer } from '../support/server.js'

const MIB = 1024 * 1024
const notLinux = platform() === 'linux' ? '' : ' (skipped: only Linux tells a process’s memory in /proc)'

describe.skipIf(notLinux)(`the server’s memory${notLinux}`, () => {
  let server: TestServer
  beforeAll(async () => {
    server = await TestServer.start()
  })
  afterAll(() => server.stop())

  it('stays flat while a form of 500 MiB comes in, goes out again, and is dropped half-way', async () => {
    await bring(50, 1)
    const before = await peak()
    const hash = await bring(500, 2)
    const broken = bring(500, 3, 250).catch(() => 'broken')
    const response = await fetch(`${server.url}/files/${hash}.bin`)
    let received = 0
    for await (const chunk of response.body!) received += (chunk as Uint8Array).length
    expect(received).toBe(500 * MIB)
    expect(await broken).toBe('broken')
    expect((await peak()) - before).toBeLessThan(80 * MIB)
    expect(await peak()).toBeLessThan(200 * MIB)
  })

  /** Sends a form with a file of so many MiB, or breaks it off after some of them; resolves with its MD5. */
  async function bring(mib: number, fill: number, breakAfter = Infinity): Promise<string> {
    const hash = createHash('md5')
    const block = Buffer.alloc(MIB, fill)
    const wrapping = formBytes({ body: '|' }).toString().split('|')
    async function* form() {
      yield Buffer.from(wrapping[0]!)
      for (let count = 0; count < mib; count++) {
        if (count >= breakAfter) throw new Error('broken')
        hash.update(block)
        yield block
      }
      yield Buffer.from(wrapping[1]!)
    }
    const { reply } = await post(server.url, form())
    const md5 = hash.digest('hex')
    if (reply['md5'] !== md5) throw new Error(JSON.stringify(reply))
    return md5
  }

  /** The most memory that the process has ever had, in bytes. */
  async function peak(): Promise<number> {
    const status = await readFile(`/proc/${server.pid}/status`, 'utf8')
    return Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)![1]) * 1024
  }
})

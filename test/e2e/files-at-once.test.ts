import { once } from 'node:events'
import { Agent, request, type IncomingMessage } from 'node:http'
import { setTimeout as pause } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { filePart, formBytes, post } from '../support/form.js'
import { TestServer } from '../support/server.js'
import { content } from '../support/tus.js'

const KIB = 1024
/** More than there are large pieces to lend, and than there would be with each reader's second one. */
const READERS = 120
const ROUNDS = 4

/** Downloads share pieces of memory, and what one gives back the next one fills: nobody may see what is not his. */
describe('many who read at once', () => {
  let server: TestServer
  // The last one is more than a connection takes by itself, so that pieces have to wait.
  const sizes = [1, 64 * KIB, 64 * KIB + 1, 512 * KIB, 512 * KIB + 1, 16 * 1024 * KIB + 17]
  const files: { bytes: Buffer; md5: string }[] = []
  beforeAll(async () => {
    server = await TestServer.start()
    for (const size of sizes) {
      const file = content(size)
      files.push(file)
      const { reply } = await post(server.url, formBytes({ head: filePart('x.bin'), body: file.bytes }))
      expect(reply).toMatchObject({ status: 'ok' })
    }
  })
  afterAll(() => server.stop())

  it('get exactly what they asked for, whoever of them is slow or hangs up', async () => {
    const agent = new Agent({ keepAlive: true, maxSockets: READERS })
    const one = async (n: number): Promise<unknown[]> => {
      const results = []
      for (let round = 0; round < ROUNDS; round++)
        results.push(await reader(agent, files[(n + round) % files.length]!, n + round))
      return results
    }
    const results = await Promise.all(Array.from({ length: READERS }, (_, n) => one(n)))
    expect(results.flat().filter((isRight) => isRight === false)).toHaveLength(0)
    agent.destroy()
  })

  /** Whether it got the right bytes; undefined for one that hangs up in the middle. */
  async function reader(agent: Agent, { bytes, md5 }: { bytes: Buffer; md5: string }, n: number) {
    const start = n % 2 === 0 ? 0 : Math.floor(bytes.length / 3)
    const headers = start > 0 ? { Range: `bytes=${start}-` } : {}
    const asked = request(`${server.url}/files/${md5}.bin`, { agent, headers })
    asked.on('error', () => undefined)
    asked.end()
    const [response] = (await once(asked, 'response')) as [IncomingMessage]
    if (n % 5 === 0) {
      await once(response, 'readable')
      return void response.destroy()
    }
    if (n % 3 === 0) await pause(300)
    const parts: Buffer[] = []
    for await (const part of response) parts.push(part as Buffer)
    return Buffer.concat(parts).equals(bytes.subarray(start))
  }
})

import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Attempts } from '#cli/attempts.js'
import { LocalFile } from '#cli/local-file.js'
import { messagesIn } from '#cli/messages.js'
import { Ahead } from '#cli/sending/ahead.js'
import { Flow } from '#cli/sending/flow.js'
import { Journal } from '#cli/sending/journal.js'
import { Server } from '#cli/server.js'
import { type Md5, parseMd5 } from '#src/contract.js'
import { testFolder } from '../../../support/folder.js'
import { TestServer, pause } from '../../../support/server.js'
import { content, offsetOf } from '../../../support/tus.js'

const SIZE = 1_000_000
const SILENT = { start: () => undefined, update: () => undefined, stop: () => undefined }

describe('Ahead, whose MD5 is late', () => {
  let server: TestServer
  let file: LocalFile
  let md5: Md5
  let folder: string
  let journal: Journal
  let warnings: string[]
  beforeEach(async () => {
    server = await TestServer.start({ env: { LEASE_SECONDS: '1' } })
    folder = testFolder()
    const { bytes, md5: hex } = content(SIZE)
    md5 = parseMd5(hex) as Md5
    await writeFile(join(folder, 'late.bin'), bytes)
    file = await LocalFile.open(join(folder, 'late.bin'), 'late.bin')
    journal = new Journal(folder, server.url, 'key')
    warnings = []
  })
  afterEach(() => Promise.all([server.stop(), file.close()]))

  async function send(hashing: Promise<Md5>, retryForMs: number) {
    const { signal } = new AbortController()
    const warn = (line: string) => void warnings.push(line)
    const messages = messagesIn('en')
    const attempts = new Attempts({ retryForMs, retryFor: `${retryForMs}ms`, warn, messages, signal })
    const flow = await Flow.open(folder, server.url)
    const given = { file, hashing, journal, flow, attempts, signal, progress: SILENT, way: undefined }
    return new Ahead({ ...given, server: new Server(server.url, signal), client: 'me' }).run()
  }

  /** A hashing whose end the test decides. */
  function later() {
    let end!: (md5: Md5) => void
    let fail!: (error: unknown) => void
    const hashing = new Promise<Md5>((resolve, reject) => ([end, fail] = [resolve, reject]))
    hashing.catch(() => undefined)
    return { hashing, end, fail }
  }

  async function sentAllButTheLast(): Promise<void> {
    await expect.poll(() => journal.read(), { timeout: 10_000 }).toBeDefined()
    const url = (await journal.read())!
    await expect.poll(() => offsetOf(url), { timeout: 10_000 }).toBeGreaterThan(SIZE / 2)
    await pause(100)
    expect(await offsetOf(url)).toBeLessThan(SIZE)
    expect(await server.shelf()).toEqual([])
  }

  it('holds the claim when it comes, however often the server has cut the silent line meanwhile', async () => {
    const { hashing, end } = later()
    const sent = send(hashing, 1500)
    sent.catch(() => undefined)
    await sentAllButTheLast()
    await pause(6000)
    end(md5)
    expect(await sent).toEqual({ md5, isSent: true })
    // The rest is the delivery's.
    const standing = await new Server(server.url, new AbortController().signal).check(md5, 'me')
    expect(standing).toMatchObject({ status: 'uploading', resumable: true, size: SIZE })
    expect(await journal.read()).toBeUndefined()
    expect(warnings.length).toBeLessThan(3)
  })

  it('takes everything back when the file changes before it comes', async () => {
    const { hashing, fail } = later()
    const sent = send(hashing, 1500)
    sent.catch(() => undefined)
    await sentAllButTheLast()
    fail(file.changed())
    await expect(sent).rejects.toMatchObject({ code: 'file-changed' })
    await expect.poll(() => server.inbox(), { timeout: 10_000 }).toEqual([])
    expect(await server.shelf()).toEqual([])
    expect(await journal.read()).toBeUndefined()
  })

  it('leaves the next run what it has sent, when it comes and nobody can be told', async () => {
    const { hashing, end } = later()
    const sent = send(hashing, 500)
    sent.catch(() => undefined)
    await sentAllButTheLast()
    const url = await journal.read()
    await server.kill()
    end(md5)
    await expect(sent).rejects.toMatchObject({ code: 'gave-up' })
    expect(await journal.read()).toBe(url)
    await server.start()
    expect(await send(Promise.resolve(md5), 5000)).toEqual({ md5, isSent: true })
    expect(await server.shelf()).toEqual([`${md5}.bin`])
  })
})

import { createHash, randomBytes } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { LocalFile } from '#cli/local-file.js'
import { type Transfer, transfer } from '#cli/transfer.js'
import { FakeFerry } from '../../support/fake-ferry.js'

const bytes = randomBytes(1_000_000)
const md5 = createHash('md5').update(bytes).digest('hex')
let folder: string
let file: LocalFile
let fake: FakeFerry

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ferry-transfer-'))
  await writeFile(join(folder, 'a.bin'), bytes)
  file = await LocalFile.open(join(folder, 'a.bin'), 'a.bin')
  fake = await FakeFerry.start()
  fake.uploads.set('1', {
    md5,
    size: bytes.length,
    client: '',
    bytes: Buffer.from(bytes.subarray(0, 400_000)),
  })
})
afterEach(async () => {
  await fake.stop()
  await file.close()
  await rm(folder, { recursive: true })
})

function order(changes: Partial<Transfer> = {}): Transfer {
  return {
    file,
    uploadUrl: `${fake.url}/tus/1`,
    signal: new AbortController().signal,
    stallMs: 10_000,
    askOffset: () => Promise.resolve(400_000),
    onBegin: () => undefined,
    onConfirmed: () => undefined,
    onProgress: () => undefined,
    ...changes,
  }
}

/** The server never answers to this method. */
function silent(method: string): void {
  fake.intercept = (request) => {
    if (request.method === method) request.resume()
    return request.method === method
  }
}

describe('transfer', () => {
  it('sends what the server lacks, and tells where it began and what is confirmed', async () => {
    const seen: string[] = []
    await transfer(
      order({ onBegin: (at) => seen.push(`begin ${at}`), onConfirmed: (at) => seen.push(`confirmed ${at}`) }),
    )
    expect(seen).toEqual(['begin 400000', 'confirmed 1000000'])
    expect(fake.shelf.get(md5)?.equals(bytes)).toBe(true)
  })

  it.each(['HEAD', 'PATCH'])('gives up when nothing moves (no answer to %s)', async (method) => {
    silent(method)
    const before = performance.now()
    await expect(transfer(order({ stallMs: 200 }))).rejects.toMatchObject({ code: 'stalled' })
    expect(performance.now() - before).toBeGreaterThan(190)
  })

  it('gives up when the server does not even say how much it has', async () => {
    silent('PATCH')
    const askOffset = () => Promise.reject(new Error('no answer'))
    await expect(transfer(order({ stallMs: 100, askOffset }))).rejects.toMatchObject({ code: 'stalled' })
  })

  it('has patience as long as bytes still arrive at the server', async () => {
    silent('PATCH')
    let questions = 0
    const askOffset = () => Promise.resolve(Math.min(++questions, 5))
    await expect(transfer(order({ stallMs: 100, askOffset }))).rejects.toMatchObject({ code: 'stalled' })
    expect(questions).toBe(6)
  })

  it('gives up at once when the run is interrupted, and leaves no request behind', async () => {
    const controller = new AbortController()
    const closed = new Promise((resolve) => {
      fake.intercept = (request) => {
        if (request.method !== 'PATCH') return false
        request.once('close', resolve).resume()
        controller.abort(new Error('interrupted'))
        return true
      }
    })
    await expect(transfer(order({ signal: controller.signal }))).rejects.toThrow('interrupted')
    await closed
    await expect(transfer(order({ signal: controller.signal }))).rejects.toThrow('interrupted')
  })

  it.each([
    [404, 'upload-gone'],
    [410, 'upload-gone'],
    [409, 'server-trouble'],
    [423, 'server-trouble'],
    [460, 'mismatch'],
    [500, 'server-trouble'],
    [507, 'disk-full'],
    [400, 'refused'],
  ])('understands HTTP %i to HEAD and to PATCH', async (status, code) => {
    for (const method of ['HEAD', 'PATCH']) {
      fake.intercept = (request, response) => {
        if (request.method !== method) return false
        request.resume()
        response.writeHead(status, { 'retry-after': '3' }).end()
        return true
      }
      await expect(transfer(order())).rejects.toMatchObject({ code, retryAfterMs: 3000 })
    }
    expect(fake.log.some((line) => line.startsWith('POST'))).toBe(false)
  })

  it.each([
    ['another length than the file’s', { 'upload-offset': '0', 'upload-length': '5' }],
    ['an offset beyond the end', { 'upload-offset': '1000001', 'upload-length': '1000000' }],
    ['an offset that is none', { 'upload-offset': 'x', 'upload-length': '1000000' }],
  ])('does not take %s from HEAD', async (_what, headers) => {
    fake.intercept = (_request, response) => {
      response.writeHead(200, headers).end()
      return true
    }
    await expect(transfer(order())).rejects.toMatchObject({ code: 'server-trouble' })
  })

  it('does not go round in circles where a PATCH brings nothing forward', async () => {
    fake.intercept = (request, response) => {
      if (request.method !== 'PATCH') return false
      request.resume()
      request.once('end', () => response.writeHead(204, { 'upload-offset': '400000' }).end())
      return true
    }
    await expect(transfer(order())).rejects.toMatchObject({ code: 'server-trouble' })
    expect(fake.log.filter((line) => line.startsWith('PATCH'))).toHaveLength(1)
  })

  it('is told by a connection that breaks in the middle', async () => {
    fake.intercept = (request) => {
      if (request.method === 'PATCH') request.once('data', () => request.socket.resetAndDestroy())
      return request.method === 'PATCH'
    }
    await expect(transfer(order())).rejects.toMatchObject({ code: 'line-down' })
  })
})

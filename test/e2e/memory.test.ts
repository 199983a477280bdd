import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterEach, describe, expect, it } from 'vitest'
import { makeFile } from '../support/big-file.js'
import { CLIENT } from '../support/client.js'
import { MAIN, TestServer } from '../support/server.js'
import { tus } from '../support/tus.js'

const MIB = 1024 * 1024
const isLinux = process.platform === 'linux'
const why = isLinux ? '' : ' (skipped: needs /proc)'

it('the client’s memory is not collected for every few megabytes either', async () => {
  const server = await TestServer.start()
  const folder = await mkdtemp(join(tmpdir(), 'ferry-memory-'))
  try {
    const file = join(folder, 'large.bin')
    await makeFile(file, 512 * MIB, folder)
    const folders = { FERRY_STATE_DIR: folder, FERRY_CACHE_DIR: folder, XDG_CONFIG_HOME: folder }
    const command = ['--trace-gc', CLIENT, 'upload', '-s', server.url, file]
    const { stdout } = await promisify(execFile)(process.execPath, command, {
      env: { ...process.env, ...folders },
      maxBuffer: 64 * MIB,
    })
    expect(stdout).toContain('Scavenge') // the trace is there
    expect(collections(stdout)).toBeLessThanOrEqual(8)
  } finally {
    await server.stop()
    await rm(folder, { recursive: true })
  }
})

describe('the server’s memory', () => {
  let server: TestServer
  afterEach(() => server.stop())

  it.skipIf(!isLinux)(`stays under 200 MB while 20 uploads of 100 MiB arrive at once${why}`, async () => {
    server = await TestServer.start()
    const uploads = Array.from({ length: 20 }, (_, index) => upload(server.url, 100 * MIB, 100 * MIB, index))
    await Promise.all(uploads)
    expect(await server.shelf()).toHaveLength(20)
    expect(peakMemory(server.pid)).toBeLessThan(200e6)
  })

  it('is not collected for every few megabytes of a body: at most 5 full collections for 1 GiB', async () => {
    server = await TestServer.start({ command: [process.execPath, '--trace-gc', MAIN] })
    const atStart = collections(server.output)
    await upload(server.url, 1024 * MIB, 5 * MIB, 0)
    expect(collections(server.output)).toBeGreaterThan(0) // the trace is there
    expect(collections(server.output) - atStart).toBeLessThanOrEqual(5)
  })
})

function collections(trace: string): number {
  return trace.split('Mark-Compact').length - 1
}

/** Highest resident size so far, in bytes. */
function peakMemory(pid: number): number {
  return 1024 * Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))![1])
}

/** Sends so many bytes (another content for each `seed`) in PATCHes of that size. */
async function upload(server: string, size: number, patch: number, seed: number): Promise<void> {
  const url = tus.location(server, await tus.create(server, size))
  const block = Buffer.alloc(MIB, seed + 1)
  for (let offset = 0; offset < size; offset += patch) {
    const status = await send(url, offset, Math.min(patch, size - offset), block)
    expect(status).toBe(204)
  }
}

/** A PATCH of repeated blocks, so that the test itself needs no memory. */
function send(url: string, offset: number, length: number, block: Buffer): Promise<number> {
  return new Promise((resolve, reject) => {
    const headers = {
      'Tus-Resumable': '1.0.0',
      'Upload-Offset': offset,
      'Content-Type': 'application/offset+octet-stream',
      'Content-Length': length,
    }
    const patch = request(url, { method: 'PATCH', headers }, (response) => {
      response.resume()
      resolve(response.statusCode!)
    })
    patch.on('error', reject)
    let left = length
    const push = (): void => {
      while (left > 0) {
        const piece = block.subarray(0, Math.min(block.length, left))
        left -= piece.length
        if (!patch.write(piece)) return void patch.once('drain', push)
      }
      patch.end()
    }
    push()
  })
}

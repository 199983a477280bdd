import { createHash } from 'node:crypto'
import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs'
import { platform, setPriority } from 'node:os'
import { parentPort, workerData } from 'node:worker_threads'

/** One file to be read, or its first bytes. `rate` in bytes a second, 0: as fast as it comes. */
export interface DigestOrder {
  number: number
  path: string
  bytes?: number
  withMd5: boolean
  rate: number
}

/** What was read. The file was the same before and after: bytes, inode, when it was last written (milliseconds). */
export interface Digest {
  sha256: string
  md5: string | undefined
  size: number
  inode: number
  touchedAt: number
}

export type Digested = { number: number } & (
  { digest: Digest } | { failed: { message: string; code: string } }
)

const SLICE = 1024 * 1024

const port = parentPort!
const slice = Buffer.allocUnsafeSlow(SLICE)
const clock = new Int32Array(new SharedArrayBuffer(4))

// On Linux that is this thread's, elsewhere it would be the whole process's.
if ((workerData as { isNice: boolean }).isNice && platform() === 'linux') setPriority(0, 19)

port.on('message', (order: DigestOrder) => {
  const { number } = order
  try {
    port.postMessage({ number, digest: digest(order) } satisfies Digested)
  } catch (error) {
    const { message, code = '' } = error as NodeJS.ErrnoException
    port.postMessage({ number, failed: { message, code } } satisfies Digested)
  }
})

function digest({ path, bytes = Infinity, withMd5, rate }: DigestOrder): Digest {
  // O_NONBLOCK: a pipe that somebody has put there would have us wait for its other end.
  const file = openSync(path, constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0))
  try {
    const before = fstatSync(file)
    if (!before.isFile()) throw new Error('not a regular file')
    const hashes = [createHash('sha256'), ...(withMd5 ? [createHash('md5')] : [])]
    const begun = performance.now()
    for (let read = 0; read < bytes;) {
      const length = readSync(file, slice, 0, Math.min(SLICE, bytes - read), read)
      if (length === 0) break
      for (const hash of hashes) hash.update(slice.subarray(0, length))
      read += length
      if (rate > 0) pause((read / rate) * 1000 - (performance.now() - begun))
    }
    const { size, mtimeMs, ino } = fstatSync(file)
    if (size !== before.size || mtimeMs !== before.mtimeMs) throw new Error('it changed while it was read')
    const [sha256, md5] = hashes.map((hash) => hash.digest('hex'))
    return { sha256: sha256!, md5, size, inode: ino, touchedAt: mtimeMs }
  } finally {
    closeSync(file)
  }
}

function pause(milliseconds: number): void {
  if (milliseconds > 1) Atomics.wait(clock, 0, 0, milliseconds)
}

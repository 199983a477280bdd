import { createHash } from 'node:crypto'
import { constants, type Stats } from 'node:fs'
import { open, type FileHandle } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseSha256, type Md5, type Sha256 } from '../contract.js'
import { isErrno } from '../errors.js'

const SLICE = 1024 * 1024
/** A file that is not what its name says may still be on its way (`cp` to the shelf): it is looked at again after so many milliseconds. */
const SECOND_LOOK = 2000

/** How fast a file is read. */
export interface Pace {
  /** Bytes per second; 0: as fast as it comes. */
  rate: number
  signal?: AbortSignal | undefined
  /** Hears of every slice, in bytes. */
  onRead?: ((bytes: number) => void) | undefined
}

/** What a file's bytes say of its name. Sizes in bytes. */
export type Proof =
  | ({ state: 'true' } & Facts)
  | ({ state: 'false' } & Facts)
  | { state: 'gone' }
  /** Somebody is writing to it. */
  | { state: 'changing' }
  | { state: 'unreadable'; cause: Error }

interface Facts {
  size: number
  md5: string
  sha256: Sha256
  /** Which file it was that was read. */
  inode: number
  /** When it was last written, in wall-clock milliseconds. */
  touchedAt: number
}

/** Reads a whole file and compares its MD5 with the one that it should have. Rejects only with the signal's reason. */
export async function prove(path: string, md5: Md5, pace: Pace): Promise<Proof> {
  let file: FileHandle | undefined
  try {
    // O_NONBLOCK: a pipe that somebody has put there would have us wait for its other end.
    file = await open(path, constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0))
    const before = await file.stat()
    if (!before.isFile()) return { state: 'unreadable', cause: new Error('not a regular file') }
    const computed = await hash(file, pace)
    const facts = { ...computed, size: before.size, inode: before.ino, touchedAt: before.mtimeMs }
    if (computed.md5 === md5) return { state: 'true', ...facts, size: (await file.stat()).size }
    await sleep(SECOND_LOOK, undefined, { signal: pace.signal, ref: false })
    if (hasChanged(before, await file.stat())) return { state: 'changing' }
    return { state: 'false', ...facts }
  } catch (error) {
    pace.signal?.throwIfAborted()
    if (isErrno(error, 'ENOENT')) return { state: 'gone' }
    return { state: 'unreadable', cause: error as Error }
  } finally {
    await file?.close()
  }
}

async function hash(
  file: FileHandle,
  { rate, signal, onRead }: Pace,
): Promise<{ md5: string; sha256: Sha256 }> {
  const md5 = createHash('md5')
  const sha256 = createHash('sha256')
  const slice = Buffer.allocUnsafe(SLICE)
  const begun = performance.now()
  for (let read = 0; ;) {
    const { bytesRead } = await file.read(slice, 0, SLICE, read)
    if (bytesRead === 0)
      return { md5: md5.digest('hex'), sha256: parseSha256(sha256.digest('hex')) as Sha256 }
    md5.update(slice.subarray(0, bytesRead))
    sha256.update(slice.subarray(0, bytesRead))
    read += bytesRead
    onRead?.(bytesRead)
    const early = rate > 0 ? (read / rate) * 1000 - (performance.now() - begun) : 0
    if (early > 1) await sleep(early, undefined, { signal, ref: false })
    signal?.throwIfAborted()
  }
}

function hasChanged(before: Stats, after: Stats): boolean {
  return before.size !== after.size || before.mtimeMs !== after.mtimeMs
}

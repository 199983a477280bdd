import { createHash } from 'node:crypto'
import { addAbortSignal } from 'node:stream'
import { type Md5, parseMd5 } from '../src/contract.js'
import type { LocalFile } from './local-file.js'
import type { Progress } from './progress.js'

/** The same as `hashFile`, and `progress` shows how far it is. An aborted signal's reason is thrown as it is. */
export async function hashWithProgress(
  file: LocalFile,
  progress: Progress,
  signal: AbortSignal,
): Promise<Md5> {
  progress.start({ kind: 'hashing', name: file.name, size: file.size }, 0)
  try {
    return await hashFile(file, (bytes) => progress.update(bytes), signal)
  } catch (error) {
    throw signal.aborted ? signal.reason : error
  } finally {
    progress.stop()
  }
}

const PIECE_SIZE = 1024 * 1024

/**
 * The MD5 of the whole file. Calls `onProgress` with the bytes hashed so far.
 * Throws `file-changed` if the file changes meanwhile, or `file-unreadable`; an aborted signal ends it with an AbortError.
 */
export async function hashFile(
  file: LocalFile,
  onProgress: (bytes: number) => void,
  signal: AbortSignal,
): Promise<Md5> {
  const hash = createHash('md5')
  let done = 0
  for await (const piece of addAbortSignal(signal, file.read(0, file.size, PIECE_SIZE))) {
    const bytes = piece as Buffer
    hash.update(bytes)
    onProgress((done += bytes.length))
  }
  if (await file.hasChanged()) throw file.changed()
  return parseMd5(hash.digest('hex')) as Md5
}

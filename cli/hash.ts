import { createHash } from 'node:crypto'
import { addAbortSignal } from 'node:stream'
import { type Md5, parseMd5, parseSha256 } from '../src/contract.js'
import type { Digests } from './hashing/digests.js'
import type { LocalFile } from './local-file.js'
import type { Progress } from './progress.js'

/** The same as `hashFile`, and `progress` shows how far it is. An aborted signal's reason is thrown as it is. */
export async function hashWithProgress(
  file: LocalFile,
  progress: Progress,
  signal: AbortSignal,
): Promise<Md5> {
  return (await digestsWithProgress(file, progress, signal, false)).md5
}

/** The same, with the SHA-256 where that is wanted, in one read. */
export async function digestsWithProgress(
  file: LocalFile,
  progress: Progress,
  signal: AbortSignal,
  withSha256: boolean,
): Promise<Digests> {
  progress.start({ kind: 'hashing', name: file.name, size: file.size }, 0)
  try {
    return await digestsOfFile(file, (bytes) => progress.update(bytes), signal, withSha256)
  } catch (error) {
    throw signal.aborted ? signal.reason : error
  } finally {
    progress.stop()
  }
}

const PIECE_SIZE = 1024 * 1024

/** The MD5 of the whole file. Errors as `digestsOfFile`. */
export async function hashFile(
  file: LocalFile,
  onProgress: (bytes: number) => void,
  signal: AbortSignal,
): Promise<Md5> {
  return (await digestsOfFile(file, onProgress, signal, false)).md5
}

/**
 * What the whole file is known by. Calls `onProgress` with the bytes hashed so far.
 * Throws `file-changed` if the file changes meanwhile, or `file-unreadable`; an aborted signal ends it with an AbortError.
 */
async function digestsOfFile(
  file: LocalFile,
  onProgress: (bytes: number) => void,
  signal: AbortSignal,
  withSha256: boolean,
): Promise<Digests> {
  const hash = createHash('md5')
  const sha256 = withSha256 ? createHash('sha256') : undefined
  let done = 0
  for await (const piece of addAbortSignal(signal, file.read(0, file.size, PIECE_SIZE))) {
    const bytes = piece as Buffer
    hash.update(bytes)
    sha256?.update(bytes)
    onProgress((done += bytes.length))
  }
  if (await file.hasChanged()) throw file.changed()
  return { md5: parseMd5(hash.digest('hex')) as Md5, sha256: parseSha256(sha256?.digest('hex')) }
}

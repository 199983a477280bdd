import { lstat } from 'node:fs/promises'
import { basename } from 'node:path'
import { ClientError } from '../errors.js'
import { hashFile } from '../hash.js'
import { LocalFile } from '../local-file.js'
import type { Job } from './job.js'
import type { Target } from './target.js'

/** What has the name already: nothing, the very content, or something else. `size`: bytes, where it is known. */
export async function lookAt(
  { path, shownAs }: Target,
  job: Job,
  size: number | undefined,
): Promise<'nothing' | 'same' | 'other'> {
  const isThere = await lstat(path).catch(() => undefined)
  if (!isThere) return 'nothing'
  const file = await openOrNot(path, shownAs)
  if (!file) return 'other'
  try {
    if (size !== undefined && file.size !== size) return 'other'
    return (await hash(file, job)) === job.source.md5 ? 'same' : 'other'
  } finally {
    await file.close()
  }
}

/** Undefined where it is no file: a folder, a device, a link to nowhere. */
async function openOrNot(path: string, shownAs: string): Promise<LocalFile | undefined> {
  try {
    return await LocalFile.open(path, shownAs)
  } catch (error) {
    if (error instanceof ClientError && ['not-a-file', 'file-missing'].includes(error.code)) return undefined
    throw error
  }
}

async function hash(file: LocalFile, { tools, texts }: Job): Promise<string> {
  const { console, progress, signal } = tools
  console.say(texts.checkingLocal(file.shownAs))
  progress.start({ kind: 'hashing', name: basename(file.name), size: file.size }, 0)
  try {
    return await hashFile(file, (bytes) => progress.update(bytes), signal)
  } finally {
    progress.stop()
  }
}

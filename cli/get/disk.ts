import { link, lstat, open, rename, unlink } from 'node:fs/promises'
import { dirname } from 'node:path'
import { ClientError, systemCodeOf } from '../errors.js'

/** Throws what the disk threw as `unwritable`; what has a code of ours, or no code at all, as it is. */
export function asDiskError(subject: string): (error: unknown) => never {
  return (error) => {
    const reason = systemCodeOf(error)
    if (error instanceof ClientError || reason === undefined || reason === 'ABORT_ERR') throw error
    throw new ClientError('unwritable', { subject, reason }, { cause: error })
  }
}

/**
 * Gives the file at `part`, all of it on disk, its name at `path`, and brings the name to disk. Without `replace` nothing
 * that has the name is lost, even if it came a moment ago. Throws `name-taken`.
 */
export async function place(part: string, path: string, shownAs: string, replace: boolean): Promise<void> {
  const there = await lstat(path).catch(() => undefined)
  // A folder, a device or a pipe is not what somebody means who says: replace the file.
  const isInTheWay = there && (!replace || !(there.isFile() || there.isSymbolicLink()))
  if (isInTheWay) throw new ClientError('name-taken', { subject: shownAs })
  if (replace) await rename(part, path)
  else await linkOrRename(part, path, shownAs)
  await syncFolder(dirname(path))
}

/** link(2) never overwrites; on file systems without links the look that was taken just before has to do. */
async function linkOrRename(part: string, path: string, shownAs: string): Promise<void> {
  try {
    await link(part, path)
  } catch (cause) {
    if (systemCodeOf(cause) === 'EEXIST') throw new ClientError('name-taken', { subject: shownAs }, { cause })
    return rename(part, path)
  }
  await unlink(part)
}

/** Brings a folder's names to disk, where the system can (Windows has no such thing). */
export async function syncFolder(path: string): Promise<void> {
  const handle = await open(path, 'r').catch(() => undefined)
  await handle?.sync().catch(() => undefined)
  await handle?.close()
}

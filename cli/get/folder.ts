import { mkdir, realpath } from 'node:fs/promises'
import { isAbsolute, join, relative, sep } from 'node:path'
import { ClientError, systemCodeOf } from '../errors.js'

/**
 * Makes the folders `segments` below `root`, which is there, one by one, and returns the path of the last. Throws
 * `unsafe-path` where a link on the way leads out of `root`.
 */
export async function makeBelow(root: string, segments: readonly string[], shownAs: string): Promise<string> {
  const inside = await realpath(root)
  let folder = root
  for (const segment of segments) {
    folder = join(folder, segment)
    await mkdir(folder).catch((error: unknown) => {
      if (systemCodeOf(error) !== 'EEXIST') throw error
    })
    if (!isBelow(inside, await realpath(folder))) throw new ClientError('unsafe-path', { subject: shownAs })
  }
  return folder
}

function isBelow(root: string, path: string): boolean {
  const way = relative(root, path)
  return !isAbsolute(way) && way !== '..' && !way.startsWith(`..${sep}`)
}

import { mkdir, stat } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { asDiskError } from './disk.js'

/** Where a file shall be. */
export interface Target {
  path: string
  /** As the user wrote it, or would. */
  shownAs: string
}

/**
 * What an output means: a file of that name; or, where it is a folder, ends with a slash or is not given, a file in a
 * folder whose name `nameIt` finds out. A folder that ends with a slash is made. Throws `unwritable`.
 */
export async function targetOf(
  output: string | undefined,
  cwd: string,
  nameIt: () => Promise<string>,
): Promise<Target> {
  if (output === undefined) {
    const name = await nameIt()
    return { path: resolve(cwd, name), shownAs: name }
  }
  const path = resolve(cwd, output)
  const isMeant = /[/\\]$/.test(output)
  if (!isMeant && !(await isFolder(path))) return { path, shownAs: output }
  if (isMeant) await mkdir(path, { recursive: true }).catch(asDiskError(output))
  const name = await nameIt()
  return { path: join(path, name), shownAs: join(output, name) }
}

async function isFolder(path: string): Promise<boolean> {
  return stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  )
}

import { execFile } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { mkdir, mkdtemp, open, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { pause } from './server.js'
import { find } from './tools.js'

/** How often and how many milliseconds apart an unmount is tried: a process just killed may still hold files. */
const TRIES = 100
const APART = 100

/** Why no file system can be mounted here, to be put behind a title; empty where one can. */
export function mountTrouble(): string {
  const reason = process.getuid?.() !== 0 ? 'needs root' : find('mount') ? '' : 'no mount'
  if (reason && process.env['CI']) throw new Error(`a file system could not be mounted: ${reason}`)
  return reason && ` (skipped: ${reason})`
}

/** A small file system of its own; `unmount` removes it. */
export interface Mounted {
  dir: string
  unmount(): Promise<void>
}

export async function mountTmpfs(options: string): Promise<Mounted> {
  const dir = await mkdtemp(join(tmpdir(), 'ferry-tmpfs-'))
  await run('mount', ['-t', 'tmpfs', '-o', options, 'tmpfs', dir])
  return { dir, unmount: () => leave(dir) }
}

/** A real file system in an image file, whose power can be cut. */
export interface Disk extends Mounted {
  /** From now on nothing more reaches the disk, as if the power had gone: what was not synced is lost. */
  cutPower(): Promise<void>
  /** Mounts it anew, its journal replayed, as at the next boot. Nobody may hold a file on it. */
  reboot(): Promise<void>
}

/** Makes and mounts one. `options` are those of its mkfs. */
export async function mountDisk(
  kind: 'ext4' | 'xfs',
  megabytes: number,
  options: string[] = [],
): Promise<Disk> {
  const base = await mkdtemp(join(tmpdir(), `ferry-${kind}-`))
  const image = join(base, 'image')
  const dir = join(base, 'disk')
  const mount = () => run('mount', ['-o', 'loop', image, dir])
  await share(base)
  try {
    await mkdir(dir)
    await makeImage(image, megabytes)
    await run(`mkfs.${kind}`, ['-q', ...options, image])
    await mount()
  } catch (error) {
    await leave(base)
    throw error
  }
  return {
    dir,
    cutPower: async () => {
      await run('xfs_io', ['-x', '-c', 'shutdown', dir]).catch((error: unknown) => {
        // It may trip over what it has just done.
        if (!isDark(dir)) throw error
      })
    },
    reboot: async () => {
      // While another mount namespace lets its copy go, the old and dark one is what is mounted again.
      for (let tries = 1; tries <= TRIES; tries++) {
        await unmount(dir)
        await mount()
        if (!isDark(dir)) return
        await pause(APART)
      }
      throw new Error(`${dir} is still dark: another mount namespace holds it`)
    },
    unmount: async () => {
      await leave(dir)
      await leave(base)
    },
  }
}

/** An unmount below this folder reaches the copies, too, that other mount namespaces (`ip netns exec`) have made. */
async function share(folder: string): Promise<void> {
  await run('mount', ['--bind', folder, folder])
  await run('mount', ['--make-shared', folder])
}

/** Whether the disk answers to nothing any more. */
function isDark(folder: string): boolean {
  try {
    writeFileSync(join(folder, 'light'), '')
    return false
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EIO'
  }
}

/** A file with holes only: it takes no more room than is written to it. */
async function makeImage(path: string, megabytes: number): Promise<void> {
  const file = await open(path, 'wx')
  try {
    await file.truncate(megabytes * 1024 * 1024)
  } finally {
    await file.close()
  }
}

/** Unmounts, by detaching as a last resort, and removes the mount point. */
async function leave(dir: string): Promise<void> {
  await unmount(dir).catch(() => run('umount', ['-l', dir]))
  await rm(dir, { recursive: true })
}

async function unmount(dir: string): Promise<void> {
  for (let tries = 1; ; tries++) {
    try {
      return await run('umount', [dir])
    } catch (error) {
      if (tries === TRIES) throw error
      await pause(APART)
    }
  }
}

async function run(program: string, args: string[]): Promise<void> {
  await promisify(execFile)(program, args)
}

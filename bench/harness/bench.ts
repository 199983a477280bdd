import { mkdtemp, rm, statfs } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { makeFile } from '../../test/support/big-file.js'
import type { Contest } from './contest.js'

export const KIB = 1024
export const MIB = 1024 * KIB
export const GIB = 1024 * MIB

/** Where a scene runs: its folders, how many rounds, and whether it is the short form. */
export interface Bench {
  rounds: number
  isQuick: boolean
  /** Whether over every line there is, and not the usual one only. */
  isGrid: boolean
  /** In memory. */
  memory: string
  /** On the disk. */
  disk: string
}

/** One line of the list of promises. */
export interface Scene {
  name: string
  what: string
  /** Runs only where it is named: it takes long, or a machine of one's own. */
  isSpecial?: boolean
  run(bench: Bench): Promise<Contest[]>
}

let number = 0

/** A folder of its own for what `use` does; it is removed afterwards. */
export async function inFolder<T>(parent: string, use: (folder: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(parent, 'scene-'))
  try {
    return await use(folder)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/** A file that nobody has seen, and its MD5. */
export async function newFile(folder: string, size: number): Promise<{ file: string; md5: string }> {
  const file = join(folder, `new-${(number += 1)}.bin`)
  return { file, md5: await makeFile(file, size, `${process.pid} ${Date.now()} ${number}`) }
}

/** The two folders of a run; memory is /dev/shm, or the disk again where that has no room. */
export async function openBench(
  needed: number,
): Promise<{ memory: string; disk: string; close: () => Promise<void> }> {
  const { bavail, bsize } = await statfs('/dev/shm').catch(() => ({ bavail: 0, bsize: 0 }))
  const memory = await mkdtemp(join(bavail * bsize > needed ? '/dev/shm' : tmpdir(), 'ferry-bench-'))
  const disk = await mkdtemp(join(tmpdir(), 'ferry-bench-'))
  const close = async () => {
    for (const folder of [memory, disk]) await rm(folder, { recursive: true, force: true })
  }
  return { memory, disk, close }
}

import { randomBytes } from 'node:crypto'
import { readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { systemCodeOf } from './errors.js'

export interface Lock {
  release(): Promise<void>
}

/** Longer than any process takes to write its pid into a lock that it has just created. */
const NEWBORN_MS = 10_000

/**
 * Takes the lock, a file that holds the pid of its owner; undefined while another living process has it.
 * The lock of a process that is gone is taken over.
 */
export async function takeLock(path: string): Promise<Lock | undefined> {
  for (let attempt = 0; attempt < 3; attempt++) {
    try {
      await writeFile(path, `${process.pid}`, { flag: 'wx', mode: 0o600 })
      return { release: () => rm(path, { force: true }) }
    } catch (error) {
      if (systemCodeOf(error) !== 'EEXIST') throw error
    }
    const owner = await readOwner(path)
    if (await isHeld(path, owner)) return undefined
    await clear(path, owner)
  }
  return undefined
}

function readOwner(path: string): Promise<string> {
  return readFile(path, 'utf8').catch(() => '')
}

async function isHeld(path: string, owner: string): Promise<boolean> {
  const pid = Number(owner)
  // Our own pid in a lock that we have not taken: an earlier process had it (in containers pids repeat).
  if (pid > 0) return pid !== process.pid && isAlive(pid)
  const age = await stat(path).then(
    ({ mtimeMs }) => Date.now() - mtimeMs,
    () => Infinity,
  )
  return age < NEWBORN_MS
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return systemCodeOf(error) === 'EPERM'
  }
}

/** Removes a stale lock, yet never the one that a faster process has put in its place meanwhile. */
async function clear(path: string, owner: string): Promise<void> {
  const aside = `${path}.${randomBytes(6).toString('hex')}`
  try {
    await rename(path, aside)
  } catch (error) {
    if (systemCodeOf(error) === 'ENOENT') return
    throw error
  }
  const moved = await readOwner(aside)
  if (moved !== owner) await writeFile(path, moved, { flag: 'wx', mode: 0o600 }).catch(() => undefined)
  await rm(aside, { force: true })
}

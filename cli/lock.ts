import { randomBytes } from 'node:crypto'
import { link, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { systemCodeOf } from './errors.js'

export interface Lock {
  release(): Promise<void>
}

/** Longer than any process takes to write into a lock that it has just created. */
const NEWBORN_MS = 10_000

/**
 * Takes the lock, a file that names its owner; undefined while another living process has it.
 * The lock of a process that is gone is taken over.
 */
export async function takeLock(path: string): Promise<Lock | undefined> {
  const me = `${process.pid} ${await birthOf(process.pid)}`
  for (let attempt = 0; attempt < 3; attempt++) {
    if (await create(path, me)) return { release: () => rm(path, { force: true }) }
    const owner = await readOwner(path)
    if (await isHeld(path, owner)) return undefined
    await clear(path, owner)
  }
  return undefined
}

/** False where it exists. With its owner's name in it from its first moment on: who is killed then has left it to nobody. */
async function create(path: string, owner: string): Promise<boolean> {
  const draft = `${path}.${randomBytes(6).toString('hex')}`
  try {
    await writeFile(draft, owner, { flag: 'wx', mode: 0o600 })
    await link(draft, path).catch((error: unknown) => {
      if (systemCodeOf(error) === 'EEXIST') throw error
      // A file system without links.
      return writeFile(path, owner, { flag: 'wx', mode: 0o600 })
    })
    return true
  } catch (error) {
    if (systemCodeOf(error) === 'EEXIST') return false
    throw error
  } finally {
    await rm(draft, { force: true })
  }
}

function readOwner(path: string): Promise<string> {
  return readFile(path, 'utf8').catch(() => '')
}

async function isHeld(path: string, owner: string): Promise<boolean> {
  const [pid, birth] = owner.split(' ')
  if (birth !== undefined) return isAlive(Number(pid)) && (await birthOf(Number(pid))) === birth
  const age = await stat(path).then(
    ({ mtimeMs }) => Date.now() - mtimeMs,
    () => Infinity,
  )
  return age < NEWBORN_MS
}

function isAlive(pid: number): boolean {
  // Our own pid in a lock that we do not have: it is from before us. In containers pids repeat.
  if (pid === process.pid) return false
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return systemCodeOf(error) === 'EPERM'
  }
}

/**
 * What tells a process from a later one with its pid, where the system says it (proc(5), field 22 of stat).
 * A zombie, which is dead but answers to its pid, has none.
 */
async function birthOf(pid: number): Promise<string> {
  const text = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '')
  const [state, ...fields] = text.slice(text.lastIndexOf(')') + 2).split(' ')
  return state === 'Z' || state === 'X' ? 'dead' : (fields[18] ?? '')
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

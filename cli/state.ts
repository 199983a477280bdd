import { createHash, randomBytes } from 'node:crypto'
import { link, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { systemCodeOf } from './errors.js'
import { type Lock, takeLock } from './lock.js'

type Environment = Readonly<Record<string, string | undefined>>

/** Who we are to a server while we upload one content. */
export interface Identity {
  /** 32 hex digits, a secret between us and the server. */
  client: string
  /** False where another process has it, or nothing can be kept: the id is one to throw away. */
  isOurs: boolean
  release(): Promise<void>
}

/** The folder for the client's own state; FERRY_STATE_DIR overrides the platform's place. */
export function stateFolder(env: Environment, platform: string, home = homedir()): string {
  if (env['FERRY_STATE_DIR']) return env['FERRY_STATE_DIR']
  if (platform === 'win32') return join(env['LOCALAPPDATA'] || join(home, 'AppData', 'Local'), 'ferry')
  if (platform === 'darwin') return join(home, 'Library', 'Application Support', 'ferry')
  return join(env['XDG_STATE_HOME'] || join(home, '.local', 'state'), 'ferry')
}

/**
 * Our identity towards `server` for the content `md5`: the id kept in `folder`, so that a later run may go on with
 * what this one has begun. A second process with the same content gets an id to throw away, and so counts as
 * somebody else. A folder that cannot be used stops no upload: then the id is thrown away, too.
 */
export async function identify(folder: string, server: string, md5: string): Promise<Identity> {
  try {
    await mkdir(join(folder, 'locks'), { recursive: true, mode: 0o700 })
    const client = await keptId(folder)
    const lock = await takeLock(join(folder, 'locks', lockName(server, md5)))
    if (lock) return { client, isOurs: true, release: () => letGo(lock) }
  } catch (error) {
    if (systemCodeOf(error) === undefined) throw error
  }
  return { client: newId(), isOurs: false, release: () => Promise.resolve() }
}

function lockName(server: string, md5: string): string {
  return createHash('sha256').update(`${server}\n${md5}`).digest('hex').slice(0, 32)
}

/** A lock that cannot be removed is stale as soon as we are gone. */
async function letGo(lock: Lock): Promise<void> {
  await lock.release().catch(() => undefined)
}

function newId(): string {
  return randomBytes(16).toString('hex')
}

async function keptId(folder: string): Promise<string> {
  const path = join(folder, 'client-id')
  return (await readId(path)) ?? (await createId(path)) ?? newId()
}

async function readId(path: string): Promise<string | undefined> {
  const text = await readFile(path, 'utf8').catch(() => '')
  return /^[0-9a-f]{32}$/.test(text.trim()) ? text.trim() : undefined
}

/** Whole or not at all, and the first of several first runs wins: the others read its id. */
async function createId(path: string): Promise<string | undefined> {
  const draft = `${path}.${randomBytes(6).toString('hex')}`
  try {
    await writeFile(draft, `${newId()}\n`, { mode: 0o600, flag: 'wx' })
    await link(draft, path).catch(async () => {
      // Somebody was faster; or there is a torn id, or a file system without links.
      if ((await readId(path)) === undefined) await rename(draft, path)
    })
    return await readId(path)
  } finally {
    await rm(draft, { force: true })
  }
}

import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { CLIENT } from '../../test/support/client.js'
import { MAIN } from '../../test/support/server.js'
import { run, type Command, type RunningServer, type Taken } from '../harness/process.js'
import { startIn, type Host } from './system.js'

/** Ferry with its own defaults; only the room that it would leave free is the bench's. */
export function startFerry(folder: string, host?: Host): Promise<RunningServer> {
  const command = (port: number, cwd: string, address: string): Command => ({
    program: process.execPath,
    args: [MAIN],
    cwd,
    env: { HTTP_PORT: String(port), HOST: address, FERRY_LANG: 'en', MIN_FREE: '0' },
  })
  return startIn(folder, command, host)
}

/** Runs the client to its end. */
export async function ferryUpload(server: RunningServer, home: string, ...args: string[]): Promise<Taken> {
  await mkdir(home, { recursive: true })
  return run(ferryClient(server, home, ...args))
}

/** The client, which keeps its hash cache and its state in `home`, a folder that is there. */
export function ferryClient(server: RunningServer, home: string, ...args: string[]): Command {
  const folders = { FERRY_STATE_DIR: join(home, 'state'), FERRY_CACHE_DIR: join(home, 'cache') }
  return {
    program: process.execPath,
    args: [CLIENT, 'upload', '-s', server.url, ...args],
    cwd: home,
    env: { ...folders, XDG_CONFIG_HOME: join(home, 'config'), FERRY_LANG: 'en' },
  }
}

/** Waits until the server has read what it stored once more, for its SHA-256: the next run shall not meet that. */
export async function settled(server: RunningServer, md5: string): Promise<void> {
  for (let tries = 0; tries < 1200; tries++) {
    const standing = (await (await fetch(`${server.url}/check?md5=${md5}`)).json()) as { sha256?: string }
    if (standing.sha256) return
    await new Promise((resolve) => void setTimeout(resolve, 50))
  }
  throw new Error(`no SHA-256 of ${md5} after a minute`)
}

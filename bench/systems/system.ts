import { existsSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { delimiter, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { freePort } from '../../test/support/server.js'
import { inFolder } from '../harness/bench.js'
import { RunningServer, type Command } from '../harness/process.js'

/** A machine, as it were: its address, and how a command is run on it. */
export interface Host {
  address: string
  in: (command: Command) => Command
}

const HERE: Host = { address: '127.0.0.1', in: (command) => command }

/** Starts a server in a new folder; `command` gets the port, the folder and the address to listen on. */
export async function startIn(
  folder: string,
  command: (port: number, folder: string, address: string) => Command,
  { address, in: on }: Host = HERE,
): Promise<RunningServer> {
  await mkdir(folder, { recursive: true })
  const port = await freePort()
  return RunningServer.start(on(command(port, folder, address)), port, address)
}

/** Starts a server in a new folder below `parent` and ends it, and the folder, when `use` is over. */
export function withServer<T>(
  parent: string,
  start: (folder: string) => Promise<RunningServer>,
  use: (server: RunningServer, folder: string) => Promise<T>,
): Promise<T> {
  return inFolder(parent, async (folder) => {
    const server = await start(folder)
    try {
      return await use(server, folder)
    } finally {
      await server.stop()
    }
  })
}

/** One of our own programs in `bench/programs`. */
export function program(name: string, ...args: string[]): Command {
  const file = fileURLToPath(new URL(`../programs/${name}.ts`, import.meta.url))
  return { program: process.execPath, args: ['--import', import.meta.resolve('tsx'), file, ...args] }
}

/** Where a program is on PATH; undefined where it is not. */
export function onPath(name: string): string | undefined {
  const folders = (process.env['PATH'] ?? '').split(delimiter)
  return folders.map((folder) => join(folder, name)).find((path) => existsSync(path))
}

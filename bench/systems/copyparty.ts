import { execFileSync } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { run, type Command, type RunningServer, type Taken } from '../harness/process.js'
import { startIn, type Host } from './system.js'

/** Which Python has copyparty; another one by BENCH_PYTHON. */
const PYTHON = process.env['BENCH_PYTHON'] ?? 'python3'

export const COPYPARTY_MISSING =
  'copyparty is absent: `pip install copyparty`, or BENCH_PYTHON=/path/to/python3 of an environment that has it'

/** Its version; undefined where it is not installed. */
export function copypartyVersion(): string | undefined {
  try {
    const code = 'from copyparty.__version__ import S_VERSION; print(S_VERSION)'
    return execFileSync(PYTHON, ['-c', code], { stdio: ['ignore', 'pipe', 'ignore'] })
      .toString()
      .trim()
  } catch {
    return undefined
  }
}

/** With its database, as its documentation recommends, so that it knows what it has; quiet. */
export function startCopyparty(folder: string, host?: Host): Promise<RunningServer> {
  mkdirSync(`${folder}/home`, { recursive: true })
  const command = (port: number, volume: string, address: string): Command => ({
    program: PYTHON,
    args: [
      '-m',
      'copyparty',
      '-q',
      '-i',
      address,
      '-p',
      String(port),
      '-e2dsa',
      '--dedup',
      '--wram', // it would not write to a file system in memory else
      '-v',
      `${volume}::rw`,
    ],
    cwd: volume,
    env: { HOME: `${folder}/home`, XDG_CONFIG_HOME: `${folder}/home` },
  })
  return startIn(`${folder}/volume`, command, host)
}

/** Runs its own client to its end. */
export function u2c(server: RunningServer, file: string): Promise<Taken> {
  return run(u2cClient(server, file))
}

/** Its own client, u2c, with its own defaults: the file, and options. */
export function u2cClient(server: RunningServer, file: string, ...options: string[]): Command {
  return {
    program: PYTHON,
    args: ['-m', 'copyparty.web.a.u2c', '-ns', ...options, `${server.url}/`, file],
  }
}

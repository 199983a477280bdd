import { execFileSync } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { run, type RunningServer, type Taken } from '../harness/process.js'
import { startIn } from './system.js'

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
export function startCopyparty(folder: string): Promise<RunningServer> {
  mkdirSync(`${folder}/home`, { recursive: true })
  return startIn(`${folder}/volume`, (port, volume) => ({
    program: PYTHON,
    args: [
      '-m',
      'copyparty',
      '-q',
      '-i',
      '127.0.0.1',
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
  }))
}

/** Its own client, u2c, with its own defaults. */
export function u2c(server: RunningServer, ...args: string[]): Promise<Taken> {
  return run({
    program: PYTHON,
    args: ['-m', 'copyparty.web.a.u2c', '-ns', ...args.slice(1), `${server.url}/`, args[0]!],
  })
}

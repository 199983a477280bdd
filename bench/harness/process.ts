import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { createConnection } from 'node:net'
import { pause } from '../../test/support/server.js'
import { cpuOf, peakOf } from './usage.js'

/** How a program is run. */
export interface Command {
  program: string
  args?: string[]
  cwd?: string
  env?: Record<string, string>
}

/** What a program took from its start to its end. Seconds, bytes. */
export interface Taken {
  seconds: number
  cpu: number
  peak: number
  output: string
}

/** How often a running program's memory is looked at, in milliseconds. */
const LOOK_MS = 50
/** After so many milliseconds a server that does not listen never will. */
const PATIENCE = 60_000

/** A server in a process of its own, with all that it starts. */
export class RunningServer {
  private constructor(
    readonly child: ChildProcess,
    readonly port: number,
  ) {}

  /** Starts it and waits until its port is open. Throws with its output where it ends instead. */
  static async start(command: Command, port: number): Promise<RunningServer> {
    const child = begin(command)
    let output = ''
    child.stdout!.on('data', (text: Buffer) => (output = (output + text.toString()).slice(-4000)))
    child.stderr!.on('data', (text: Buffer) => (output = (output + text.toString()).slice(-4000)))
    for (const until = performance.now() + PATIENCE; !(await isOpen(port)); await pause(20)) {
      if (child.exitCode !== null || performance.now() > until) {
        child.kill('SIGKILL')
        throw new Error(`${command.program} does not listen: ${output}`)
      }
    }
    return new RunningServer(child, port)
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`
  }

  /** Processor seconds until now, of the process and all that it has started. */
  cpu(): Promise<number> {
    return cpuOf(this.child.pid!)
  }

  /** The most memory that it has had in use, in bytes. */
  peak(): Promise<number> {
    return peakOf(this.child.pid!)
  }

  async stop(): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return
    const exited = once(this.child, 'exit')
    this.child.kill('SIGTERM')
    const hard = setTimeout(() => this.child.kill('SIGKILL'), 5000)
    await exited
    clearTimeout(hard)
  }
}

/** Runs a program to its end. Throws with its output where it fails. */
export async function run(command: Command): Promise<Taken> {
  // The shell's own clock counts what has ended, too.
  const { program, args = [] } = command
  const timed = ['-c', 'TIMEFORMAT=\'ferry-took %R %U %S\'; time "$@"', 'bash', program, ...args]
  const child = begin({ ...command, program: 'bash', args: timed })
  let output = ''
  child.stdout!.on('data', (text: Buffer) => (output += text.toString()))
  child.stderr!.on('data', (text: Buffer) => (output += text.toString()))
  let peak = 0
  const looking = setInterval(() => {
    void peakOf(child.pid!).then((bytes) => (peak = Math.max(peak, bytes)))
  }, LOOK_MS)
  const [code] = (await once(child, 'close')) as [number | null]
  clearInterval(looking)
  const took = /ferry-took ([\d.]+) ([\d.]+) ([\d.]+)/.exec(output)
  if (code !== 0 || !took)
    throw new Error(`${program} ${args.join(' ')} ended with ${code}: ${output.slice(-2000)}`)
  const [seconds, user, system] = took.slice(1).map(Number) as [number, number, number]
  return { seconds, cpu: user + system, peak, output: output.replace(took[0], '') }
}

function begin({ program, args = [], cwd, env = {} }: Command): ChildProcess {
  const { PATH, HOME } = process.env
  return spawn(program, args, {
    ...(cwd !== undefined && { cwd }),
    env: { PATH, HOME, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
}

function isOpen(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createConnection(port, '127.0.0.1')
    socket.on('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.on('error', () => resolve(false))
  })
}

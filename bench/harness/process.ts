import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { pause } from '../../test/support/server.js'
import { cpuOf, peakOf } from './usage.js'

/** How a program is run. */
export interface Command {
  program: string
  args?: string[]
  cwd?: string
  env?: Record<string, string>
  /** After so many seconds it is ended. */
  limit?: number
}

/** What a program took from its start to its end. Seconds, bytes. */
export interface Taken {
  seconds: number
  cpu: number
  peak: number
  output: string
  /** Whether it was ended for its limit. */
  isOver: boolean
}

/** How often a running program's memory is looked at, in milliseconds. */
const LOOK_MS = 50
/** After so many milliseconds a server that does not listen never will. */
const PATIENCE = 60_000
/** What `timeout` ends with when it had to end the program, by SIGTERM or in the end by SIGKILL. */
const OVER = new Set([124, 137])

/** A server in a process of its own, with all that it starts. */
export class RunningServer {
  private constructor(
    readonly child: ChildProcess,
    readonly port: number,
    readonly address: string,
  ) {}

  /** Starts it and waits until its port is open. Throws with its output where it ends instead. `address`: its clients'. */
  static async start(command: Command, port: number, address: string): Promise<RunningServer> {
    const child = begin(command)
    let output = ''
    child.stdout!.on('data', (text: Buffer) => (output = (output + text.toString()).slice(-4000)))
    child.stderr!.on('data', (text: Buffer) => (output = (output + text.toString()).slice(-4000)))
    for (const until = performance.now() + PATIENCE; !(await listens(child.pid!, port)); await pause(20)) {
      if (child.exitCode !== null || performance.now() > until) {
        child.kill('SIGKILL')
        throw new Error(`${command.program} does not listen: ${output}`)
      }
    }
    return new RunningServer(child, port, address)
  }

  get url(): string {
    return `http://${this.address}:${this.port}`
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

/** Runs a program to its end, or to its limit. Throws with its output where it fails. */
export async function run(command: Command): Promise<Taken> {
  // The shell's own clock counts what has ended, too.
  const { program, args = [], limit } = command
  const bounded = limit === undefined ? [] : ['timeout', '-k', '5', String(limit)]
  const timed = ['-c', 'TIMEFORMAT=\'ferry-took %R %U %S\'; time "$@"', 'bash', ...bounded, program, ...args]
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
  const isOver = limit !== undefined && OVER.has(code!)
  if ((code !== 0 && !isOver) || !took)
    throw new Error(`${program} ${args.join(' ')} ended with ${code}: ${output.slice(-2000)}`)
  const [seconds, user, system] = took.slice(1).map(Number) as [number, number, number]
  return { seconds, cpu: user + system, peak, output: output.replace(took[0], ''), isOver }
}

function begin({ program, args = [], cwd, env = {} }: Command): ChildProcess {
  const { PATH, HOME } = process.env
  return spawn(program, args, {
    ...(cwd !== undefined && { cwd }),
    env: { PATH, HOME, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
}

/** Whether somebody listens on this port in the program's network, which may be another than ours. */
async function listens(pid: number, port: number): Promise<boolean> {
  const tables = ['tcp', 'tcp6'].map((table) => readFile(`/proc/${pid}/net/${table}`, 'utf8').catch(() => ''))
  // proc_net_tcp(5): the local address and port in hexadecimal, the other end's, and the state; 0A is LISTEN.
  const listening = new RegExp(`:${port.toString(16).toUpperCase().padStart(4, '0')} [0-9A-F]+:0000 0A `)
  return (await Promise.all(tables)).some((table) => listening.test(table))
}

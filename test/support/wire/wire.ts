import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { find } from '../tools.js'

const MAIN = fileURLToPath(new URL('main.py', import.meta.url))
const NEEDS = ['ip', 'python3']

/** One of the two ends, each a network of its own. */
export type Side = 'near' | 'far'

/** How the line is. What is left out: no delay, no loss, as fast as the machine. */
export interface Line {
  /** Milliseconds, there and back. */
  rtt: number
  /** Per cent of the packets, in each direction. */
  loss: number
  /** Mbit/s, in each direction; `Infinity` for no limit. */
  rate: number
  /** Per cent of the packets with bytes of TCP, in each direction, that become a reset of their connection at both ends. */
  reset?: number
}

/** What has been sent into one direction. Packets and bytes with their heads, those that did not arrive among them. */
export interface Counts {
  packets: number
  bytes: number
  /** By chance, or on a dead wire. */
  lost: number
  /** Because the queue was full. */
  full: number
  /** How many have broken their connection. */
  broken: number
}

/** From near to far, and back. */
export interface Traffic {
  there: Counts
  back: Counts
}

/** Why no wire can be laid here; undefined where one can. */
export function wireTrouble(): string | undefined {
  const absent = NEEDS.filter((program) => !find(program))
  if (absent.length > 0) return `${absent.join(', ')} not installed`
  if (process.getuid?.() !== 0) return 'needs root'
  if (!existsSync('/dev/net/tun')) return 'no /dev/net/tun'
  const { status, stderr } = spawnSync('python3', ['-B', MAIN], {
    stdio: ['ignore', 'ignore', 'pipe'],
    encoding: 'utf8',
  })
  return status === 0 ? undefined : stderr.trim().split('\n').at(-1)
}

/**
 * A wire between two namespaces, with a delay, a loss and a rate. The queue before it holds a bandwidth-delay product, but 32
 * full packets at least, and drops what comes when it is full. Both ends are cubic.
 */
export class Wire {
  readonly #child: ChildProcess
  readonly #answers: AsyncIterator<string>
  #ends: Record<Side, { namespace: string; address: string }> | undefined
  #trouble = ''

  private constructor(args: string[]) {
    this.#child = spawn('python3', ['-B', MAIN, ...args])
    this.#answers = createInterface(this.#child.stdout!)[Symbol.asyncIterator]()
    this.#child.stderr!.setEncoding('utf8').on('data', (text: string) => (this.#trouble += text))
    // Where it has ended, the answer that does not come tells so.
    this.#child.stdin!.on('error', () => undefined)
  }

  /** Lays one. With the same seed the same packets are lost, counted in each direction. Throws where it can't. */
  static async open({ seed = 1, ...line }: Partial<Line> & { seed?: number } = {}): Promise<Wire> {
    const wire = new Wire(
      Object.entries({ ...line, seed }).flatMap(([what, value]) => [`--${what}`, spelled(value)]),
    )
    wire.#ends = await wire.#answer()
    return wire
  }

  /** The address of one end, as the other sees it. */
  address(side: Side): string {
    return this.#ends![side].address
  }

  namespace(side: Side): string {
    return this.#ends![side].namespace
  }

  /** How a program is run at one end. What still runs there when the wire is closed is killed. */
  in(side: Side, program: string, args: string[] = []): { program: string; args: string[] } {
    return { program: 'ip', args: ['netns', 'exec', this.namespace(side), program, ...args] }
  }

  /** Makes the line another one, while it is in use. */
  async change(line: Partial<Line>): Promise<void> {
    for (const [what, value] of Object.entries(line)) await this.#tell(`${what} ${spelled(value)}`)
  }

  /** From now on everything is lost, what is under way as well; or no longer. */
  async die(isDead: boolean): Promise<void> {
    await this.#tell(`dead ${isDead ? 'on' : 'off'}`)
  }

  /** From now on one end has this address, in the wire's network, and no other: its connections are dead, new ones work. */
  async move(side: Side, address: string): Promise<void> {
    await this.#tell(`move ${side} ${address}`)
    this.#ends![side].address = address
  }

  /** What has been sent until now. */
  count(): Promise<Traffic> {
    return this.#tell('count')
  }

  /** Removes both ends, and resolves when they are gone. */
  async close(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return
    const exited = once(this.#child, 'exit')
    this.#child.stdin!.end()
    await exited
  }

  #tell(order: string): Promise<Traffic> {
    this.#child.stdin!.write(`${order}\n`)
    return this.#answer()
  }

  async #answer<T>(): Promise<T> {
    const { value, done } = await this.#answers.next()
    if (done) throw new Error(`the wire is gone: ${this.#trouble.trim()}`)
    const answer = JSON.parse(value) as T & { error?: string }
    if (answer.error !== undefined) throw new Error(answer.error)
    return answer
  }
}

/** Infinity as the program wants it. */
function spelled(value: number): string {
  return value === Infinity ? 'inf' : String(value)
}

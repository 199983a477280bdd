import { spawnSync } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { find } from './tools.js'

const NEEDS = ['ip', 'iptables', 'tc', 'ss']
let opened = 0

/** Why no network can be made here; undefined where one can. */
export function networkTrouble(): string | undefined {
  const absent = NEEDS.filter((program) => !find(program))
  if (absent.length > 0) return `${absent.join(', ')} not installed`
  if (process.getuid?.() !== 0) return 'needs root'
  try {
    const probe = Namespace.open()
    try {
      probe.lose(0.01)
    } finally {
      probe.close()
    }
    return undefined
  } catch (error) {
    return (error as Error).message
  }
}

/** A network of its own beside the machine's, tied to it by one cable. All that spoils the line lies at its end. */
export class Namespace {
  private constructor(
    readonly name: string,
    /** The machine's end of the cable. */
    readonly cable: string,
    /** The machine's address, as seen from inside. */
    readonly host: string,
  ) {}

  static open(): Namespace {
    const number = opened++
    // Two programs at once get different names and, most likely, different networks.
    const net = `10.${64 + (process.pid % 128)}.${number % 256}`
    const space = new Namespace(`ferry-${process.pid}-${number}`, `fy${process.pid}-${number}`, `${net}.1`)
    try {
      space.#connect(`${net}.2`)
    } catch (error) {
      space.close()
      throw error
    }
    return space
  }

  #connect(inside: string): void {
    const { name, cable, host } = this
    run(`ip netns add ${name}`)
    run(`ip link add ${cable} type veth peer name eth0 netns ${name}`)
    run(`ip addr add ${host}/30 dev ${cable}`)
    run(`ip link set ${cable} up`)
    this.#run(`ip addr add ${inside}/30 dev eth0`)
    // One packet on the line is one packet to the rules: no bundles of 64 KiB.
    this.#run('ip link set eth0 up gso_max_segs 1')
    this.#run('ip link set lo up')
  }

  /** What to put before a command so that it runs inside. */
  get command(): string[] {
    return ['ip', 'netns', 'exec', this.name]
  }

  /** So many packets of each direction are lost: 0.05 for one in twenty. */
  lose(share: number): void {
    const rule = `-m statistic --mode random --probability ${share} -j DROP`
    this.#run(`iptables -A OUTPUT ${rule}`)
    this.#run(`iptables -A INPUT ${rule}`)
  }

  /** So many packets with data that go out break their connection; the other end is not told. */
  reset(share: number): void {
    this.#run(
      `iptables -A OUTPUT -p tcp -m length --length 200: -m statistic --mode random --probability ${share} -j REJECT --reject-with tcp-reset`,
    )
  }

  /** What goes out is held to so many bits per second. */
  slow(bits: number): void {
    this.#run(`tc qdisc add dev eth0 root tbf rate ${bits} burst 16kb latency 200ms`)
  }

  /** Nothing of the connections that there are ever arrives any more, at either end. New ones work. */
  silence(port: number): void {
    const lines = this.#run(`ss -Htn dport = :${port}`).trim().split('\n')
    for (const line of lines) {
      const own = /:(\d+)\s+\S+\s*$/.exec(line)?.[1]
      if (!own) continue
      this.#run(`iptables -I OUTPUT -p tcp --sport ${own} -j DROP`)
      this.#run(`iptables -I INPUT -p tcp --dport ${own} -j DROP`)
    }
  }

  /** A good line again; returns how many packets the rules have taken away, and how many connections they broke. */
  mend(): { lost: number; broken: number } {
    const rules = ['INPUT', 'OUTPUT'].flatMap((chain) => this.#run(`iptables -nvxL ${chain}`).split('\n'))
    this.#run('iptables -F')
    spawnSync('ip', ['netns', 'exec', this.name, 'tc', 'qdisc', 'del', 'dev', 'eth0', 'root'])
    return { lost: packets(rules, 'DROP'), broken: packets(rules, 'REJECT') }
  }

  /** Bytes that have come out of it, each packet with its heads. */
  async sent(): Promise<number> {
    return Number(await readFile(`/sys/class/net/${this.cable}/statistics/rx_bytes`, 'utf8'))
  }

  /** Removes it and its cable. Whatever runs inside must have ended. */
  close(): void {
    spawnSync('ip', ['link', 'del', this.cable])
    spawnSync('ip', ['netns', 'del', this.name])
  }

  #run(line: string): string {
    return run(`ip netns exec ${this.name} ${line}`)
  }
}

/** The first column of `iptables -nvxL`, of the rules with this target. */
function packets(rules: string[], target: string): number {
  return rules
    .filter((rule) => rule.trim().split(/\s+/)[2] === target)
    .reduce((sum, rule) => sum + Number.parseInt(rule), 0)
}

function run(line: string): string {
  const [program, ...args] = line.split(' ')
  const { status, stdout, stderr, error } = spawnSync(program!, args, { encoding: 'utf8' })
  if (status !== 0) throw new Error(`${line}: ${error?.message ?? stderr.trim()}`)
  return stdout
}

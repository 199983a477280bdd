import type { Break } from './mutant.js'
import type { Random } from './random.js'

/** What a part, or one of its controls, has found. Every list is empty where the promise holds. */
export interface Findings {
  /** How often it struck: kills, cuts, injected errors, uploads. */
  rounds: number
  /** Offsets and successes that the server acknowledged meanwhile. */
  acknowledged: number
  /** Acknowledged, and not there. */
  lost: string[]
  /** Files whose bytes are not what their name says. */
  wrong: string[]
  /** Interrupted uploads that a stock tus client could not finish. */
  stuck: string[]
  /** Parts, rows or files that nobody needs any more, and that stayed. */
  left: string[]
}

export function noFindings(): Findings {
  return { rounds: 0, acknowledged: 0, lost: [], wrong: [], stuck: [], left: [] }
}

const KINDS = ['lost', 'wrong', 'stuck', 'left'] as const

/** Adds what another round has found; `when` is put before each of its lines. */
export function add(sum: Findings, more: Findings, when?: string): void {
  sum.rounds += more.rounds
  sum.acknowledged += more.acknowledged
  for (const kind of KINDS)
    sum[kind].push(...more[kind].map((line) => (when === undefined ? line : `${when}: ${line}`)))
}

/** How many promises were broken. */
export function faults({ lost, wrong, stuck, left }: Findings): number {
  return lost.length + wrong.length + stuck.length + left.length
}

export interface Bench {
  /** How often to strike. */
  rounds: number
  /** A control is over with the first fault that it shows. */
  isControl: boolean
  random: Random
  /** A line for whoever watches. */
  say(line: string): void
}

/** A server broken on purpose, or a disk that lies: it must be found out, or the part proves nothing. */
export interface Control {
  /** Where the built code is broken for it. */
  breaks: Break[]
  /** What is broken, as the beginning of a sentence that ends in "is found out". */
  title: string
  /** Runs until the first fault is found, or the rounds are used up. */
  run(bench: Bench): Promise<Findings>
}

export interface Part {
  /** For `--only` and `--rounds`. */
  name: string
  title: string
  /** What a round is. */
  unit: string
  rounds: { ci: number; full: number }
  /** Why it can't run on this machine; undefined where it can. */
  trouble(): string | undefined
  run(bench: Bench): Promise<Findings>
  controls: Control[]
}

/** Strikes, at most `most` rounds at a time, until the bench's rounds are used up. */
export async function repeat(
  bench: Bench,
  most: number,
  strike: (rounds: number, random: Random) => Promise<Findings>,
): Promise<Findings> {
  const sum = noFindings()
  while (sum.rounds < bench.rounds) {
    add(sum, await strike(Math.min(most, bench.rounds - sum.rounds), bench.random.fork()))
    bench.say(`${sum.rounds} of ${bench.rounds}, ${sum.acknowledged} acknowledgements, ${faults(sum)} faults`)
    if (bench.isControl && faults(sum) > 0) break
  }
  return sum
}

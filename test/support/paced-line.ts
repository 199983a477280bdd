import type { Pace } from '#src/spread/pace.js'

/** What so many connections bring in a second, in what each of them could; `each`: what each has had of luck. */
export type Law = (each: readonly number[], second: number) => number

/** Every connection brings what it can, all together no more than `most`. */
export function capped(most: number): Law {
  return (each) => Math.min(most, sum(each))
}

/** Chances that are the same for the same seed, from 0 to 1 (mulberry32). */
function chances(seed: number): () => number {
  let state = seed * 0x9e3779b9
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

const SECONDS = 30

export interface Transfer {
  /** With how many connections, for each second. */
  used: number[]
  /** In what one connection brings in a second. */
  goodput: number
}

/**
 * A transfer over a line, with as many connections as the pace wants. Each connection's luck is up to 40 % off, half of it
 * for the whole time and half anew each second; in its first second a connection brings `first` times that.
 */
export function transfer(law: Law, pace: Pick<Pace, 'wanted' | 'note'>, seed: number, first = 0.5): Transfer {
  const chance = chances(seed)
  const luck = () => (chance() * 2 - 1) * 0.4
  const lasting = Array.from({ length: 64 }, luck)
  let goodput = 0
  const used: number[] = []
  for (let second = 0; second < SECONDS; second++) {
    const before = used.at(-1) ?? 0
    const count = pace.wanted
    const each = Array.from({ length: count }, (_, nth) => {
      const share = 1 + (lasting[nth]! + luck()) / 2
      return nth < before ? share : share * first
    })
    const bytes = Math.max(0, law(each, second))
    used.push(count)
    goodput += bytes
    pace.note(bytes * 1_000_000)
  }
  return { used, goodput }
}

export function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0)
}

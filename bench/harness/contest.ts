/** What one contestant's run took, by the metric's name. Seconds, bytes, or a number of its own. */
export type Measured = Record<string, number>

export interface Contestant {
  name: string
  run(round: number): Promise<Measured>
}

/**
 * What is promised of a contestant's median in this metric. By another's: their ratio, at `most` or at `least` so much, or
 * their difference `within` so much. Or on its own: `below`. Without a bound it is only told.
 */
export interface Bar {
  metric: string
  of: string
  by?: string
  most?: number
  least?: number
  within?: number
  below?: number
}

/** One comparison: what was run, by whom, and all that was measured. */
export interface Contest {
  title: string
  rounds: Record<string, Measured[]>
  bars: Bar[]
  /** Who is missing and how to get him; what a reader has to know. */
  notes: string[]
}

/** Runs all contestants in each round, each time beginning with another one: A B C, B C A, C A B. */
export async function contest(
  title: string,
  contestants: Contestant[],
  { rounds, bars = [], notes = [] }: { rounds: number; bars?: Bar[]; notes?: string[] },
): Promise<Contest> {
  const measured: Record<string, Measured[]> = Object.fromEntries(contestants.map(({ name }) => [name, []]))
  for (let round = 0; round < rounds; round++) {
    for (let turn = 0; turn < contestants.length; turn++) {
      const contestant = contestants[(round + turn) % contestants.length]!
      const result = await contestant.run(round)
      measured[contestant.name]!.push(result)
      console.error(`${title}, ${round + 1} of ${rounds}, ${contestant.name}: ${shown(result)}`)
    }
  }
  return { title, rounds: measured, bars: bars.filter(({ by }) => by === undefined || by in measured), notes }
}

function shown(measured: Measured): string {
  return Object.entries(measured)
    .map(([metric, value]) => `${metric} ${value.toPrecision(4)}`)
    .join(', ')
}

import { Crew } from './crew.js'
import type { Facts } from './facts.js'
import type { Part } from './part.js'
import type { Remote } from './remote.js'
import type { Tempo } from './tempo.js'

export interface Round {
  part: Part
  remote: Remote
  facts: Facts
  tempo: Tempo
  /** Whether a connection that broke is made anew while others go on. */
  mends: boolean
  /** A connection that is silent for so long (ms), while others are not, is given up for another. */
  silentMs: number
  /** New bytes are in the part. */
  onBytes: () => void
  signal: AbortSignal
}

/**
 * Fetches what the part lacks, with several connections where that helps. What they brought is recorded, however it
 * ends. Throws when nobody gets on any more and something is left: the first of the errors.
 */
export async function fetchRound(round: Round): Promise<void> {
  try {
    await new Crew(round).run()
  } finally {
    await round.part.save()
  }
}

import { isMendedByTime } from '../errors.js'
import { pause } from '../retry.js'
import type { Facts } from './facts.js'
import type { Part } from './part.js'
import { type Range, Todo } from './ranges.js'
import type { Remote } from './remote.js'

export interface Round {
  part: Part
  remote: Remote
  facts: Facts
  /** At most so many. */
  connections: number
  /** Whether a connection that broke is made anew while others go on. */
  mends: boolean
  /** New bytes are in the part. */
  onBytes: () => void
  signal: AbortSignal
}

/** Below so many bytes for each, another connection costs more than it brings. */
const SHARE = 2 * 1024 * 1024
/** Several connections fill the file more or less from its beginning, so that it can be hashed meanwhile. */
const LARGEST_PIECE = 16 * 1024 * 1024
const MEND_AFTER_MS = 200

/**
 * Fetches what the part lacks, with several connections where that helps. What they brought is recorded, however it
 * ends. Throws when nobody gets on any more and something is left: the worst of the errors.
 */
export async function fetchRound(round: Round): Promise<void> {
  const { part, facts, signal } = round
  const missing = part.size - part.total
  const count = facts.hasRanges ? Math.min(round.connections, Math.ceil(missing / SHARE)) : 1
  const todo = new Todo(
    part.gaps(),
    count > 1 ? Math.min(LARGEST_PIECE, Math.ceil(missing / count)) : missing,
  )
  const stop = new AbortController()
  const crew = new Crew({ ...round, signal: AbortSignal.any([signal, stop.signal]) }, todo)
  try {
    const ends = await Promise.allSettled(
      Array.from({ length: count }, () =>
        crew.work().catch((error: unknown) => {
          // Nobody needs to go on where time mends nothing.
          if (!isMendedByTime(error)) stop.abort(error)
          throw error
        }),
      ),
    )
    signal.throwIfAborted()
    stop.signal.throwIfAborted()
    const failed = ends.find((end) => end.status === 'rejected')
    if (!todo.isEmpty && failed) throw failed.reason
  } finally {
    await part.save()
  }
}

/** Workers with one list of things to do. */
class Crew {
  readonly #round: Round
  readonly #todo: Todo
  #atWork = 0

  constructor(round: Round, todo: Todo) {
    this.#round = round
    this.#todo = todo
  }

  /** Takes pieces until none is left. Leaves with the error when it gets on no more, or is the last. */
  async work(): Promise<void> {
    this.#atWork += 1
    try {
      let failures = 0
      for (let piece = this.#todo.take(); piece; piece = this.#todo.take()) {
        const rest = { ...piece }
        try {
          await this.#fetch(rest, () => (failures = 0))
        } catch (error) {
          this.#todo.giveBack(rest)
          failures += 1
          const mends = this.#round.mends && this.#atWork > 1 && failures < 2
          if (!mends || !isMendedByTime(error)) throw error
          await pause(MEND_AFTER_MS, this.#round.signal)
        }
      }
    } finally {
      this.#atWork -= 1
    }
  }

  /** Fetches `rest`, which shrinks meanwhile. */
  async #fetch(rest: Range, onBytes: () => void): Promise<void> {
    const { remote, part, facts, signal } = this.#round
    for await (const bytes of remote.bytes({ ...rest }, facts, signal)) {
      await part.write(bytes, rest.start)
      rest.start += bytes.length
      onBytes()
      this.#round.onBytes()
    }
  }
}

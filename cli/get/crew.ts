import { isMendedByTime } from '../errors.js'
import { pause } from '../retry.js'
import { Board } from './board.js'
import type { Flight } from './flight.js'
import { Meter } from './meter.js'
import type { Round } from './round.js'

/** How often it is looked whether there should be more connections, or others. */
const TICK_MS = 250
const MEND_AFTER_MS = 200
/** Connections that were lost are made again after so long, while others go on. */
const FORGIVE_MS = 10_000
/** What a connection is believed to bring in a second before it has brought anything. */
const UNKNOWN_RATE = 512 * 1024

/** Bytes that wait for so much of the time wait for us, and not for the line. */
const HELD = 0.7

/** Connections that share one list of ranges. */
export class Crew {
  readonly #round: Round
  readonly #board: Board
  readonly #missing: number
  readonly #stop = new AbortController()
  readonly #signal: AbortSignal
  #lanes = 0
  #lost = 0
  #lostAt = 0
  #failure: unknown
  readonly #meter = new Meter()
  #wake: () => void = () => undefined

  constructor(round: Round) {
    const { part, signal } = round
    this.#round = round
    this.#board = new Board(part.gaps())
    this.#missing = part.size - part.total
    this.#signal = AbortSignal.any([signal, this.#stop.signal])
  }

  /** Resolves when all is there. Throws when nobody gets on any more: the first of the errors, or the signal's reason. */
  async run(): Promise<void> {
    const watch = setInterval(() => this.#look(), TICK_MS)
    try {
      for (this.#open(); this.#lanes > 0; this.#open())
        await new Promise<void>((resolve) => (this.#wake = resolve))
    } finally {
      clearInterval(watch)
    }
    this.#signal.throwIfAborted()
    if (this.#board.hasMore) throw this.#failure
  }

  get #wanted(): number {
    return this.#round.tempo.wanted(this.#missing)
  }

  /** As many connections as are wanted, and have something to do. */
  #open(): void {
    while (this.#lanes < this.#wanted - this.#lost && !this.#signal.aborted) {
      const flight = this.#next()
      if (!flight) return
      this.#lanes += 1
      void this.#lane(flight).then(() => this.#wake())
    }
  }

  /** `rate`: the bytes that this connection brings in a second, where it has brought some. */
  #next(rate = UNKNOWN_RATE): Flight | undefined {
    return this.#board.next(this.#round.tempo.piece(rate, this.#wanted))
  }

  /** Brings one range after the other: until there is none, or there are too many connections, or this one gets on no more. */
  async #lane(first: Flight): Promise<void> {
    let failures = 0
    let rate: number | undefined
    try {
      for (let flight: Flight | undefined = first; flight;) {
        try {
          await this.#bring(flight, () => (failures = 0))
          rate = flight.rate
        } catch (error) {
          failures += 1
          if (!this.#isMended(error, failures)) throw error
          await pause(MEND_AFTER_MS, this.#signal)
        }
        flight = this.#lanes > this.#wanted ? undefined : this.#next(rate)
      }
    } catch (error) {
      this.#lose(error)
    } finally {
      this.#lanes -= 1
    }
  }

  async #bring(flight: Flight, onProgress: () => void): Promise<void> {
    const onBytes = (bytes: number, heldMs: number) => {
      this.#meter.add(bytes, heldMs)
      onProgress()
      this.#round.onBytes()
    }
    try {
      await flight.run({ ...this.#round, signal: this.#signal, onBytes })
    } catch (error) {
      // Another connection has the rest.
      if (!flight.isAbandoned || this.#signal.aborted) throw error
    } finally {
      this.#board.land(flight)
    }
  }

  #isMended(error: unknown, failures: number): boolean {
    return this.#round.mends && this.#lanes > 1 && failures < 2 && isMendedByTime(error)
  }

  #lose(error: unknown): void {
    this.#failure ??= error
    this.#lost += 1
    this.#lostAt = performance.now()
    // Nobody needs to go on where time mends nothing.
    if (!isMendedByTime(error)) this.#stop.abort(error)
  }

  #look(): void {
    const { mends, silentMs, tempo, part, remote } = this.#round
    if (mends && performance.now() - this.#lostAt > FORGIVE_MS) this.#lost = 0
    this.#board.abandonSilent(silentMs, this.#meter.stillness)
    const second = this.#meter.take()
    const areBusy = this.#board.hasMore || this.#lanes >= this.#wanted
    // Where the bytes wait for us, more connections bring no more.
    const isForLine = second && second.held < HELD * this.#lanes
    if (areBusy && isForLine) tempo.note(second.bytes, part.size - part.total, remote.tripMs)
    this.#open()
  }
}

import { pause } from '../../retry.js'

const MIB = 1024 * 1024
/** A round lasts so many times as long as a piece costs, within these bounds: milliseconds. */
const LENGTH = 15
const [SHORTEST_MS, LONGEST_MS] = [3000, 4400]
/** After so many milliseconds more what is under way is given up. */
const GRACE_MS = 800
/** A piece lasts so many times as long as it costs, within these bounds: it pays, and is over in time. */
const PAYS = 8
const [SHORT_MS, LONG_MS] = [400, 1200]

/** What is sent in a round at most, by all lanes together: bytes. */
export const ROUND_BYTES = 8 * MIB

/** How long some lanes send, and how much. */
export class Round {
  readonly begun = performance.now()
  /** Ends what is under way: time is up, one lane has failed, all are done, or the run is interrupted. */
  readonly signal: AbortSignal
  /** Why the first lane failed that did. */
  failure: unknown
  /** All bytes are given out; not so where time ran out first. */
  isSpent = false
  /** When no lane begins anything more, in milliseconds of the same clock. */
  readonly ends: number
  readonly #timeout: AbortSignal
  readonly #ending = new AbortController()
  #left = ROUND_BYTES

  /** `costs`: what each piece takes beside its bytes, in milliseconds. */
  constructor(signal: AbortSignal, costs: number) {
    const ms = Math.round(Math.min(LONGEST_MS, Math.max(SHORTEST_MS, LENGTH * costs)))
    this.ends = this.begun + ms
    this.#timeout = AbortSignal.timeout(ms + GRACE_MS)
    this.signal = AbortSignal.any([signal, this.#timeout, this.#ending.signal])
  }

  /** What is under way was given up because of the time. */
  get isOver(): boolean {
    return this.#timeout.aborted
  }

  /** Resolves when no lane begins anything more, if that is not earlier known. */
  async ended(): Promise<void> {
    await pause(this.ends - performance.now(), this.signal).catch(() => undefined)
  }

  /** All is done: nobody waits for the end any more. */
  close(): void {
    this.#ending.abort()
  }

  /** How many of these bytes a lane may send now; 0 where the round is over for it. */
  take(bytes: number): number {
    if (this.failure !== undefined || performance.now() >= this.ends) return 0
    const taken = Math.min(bytes, this.#left)
    this.isSpent ||= taken === 0
    this.#left -= taken
    return taken
  }

  /** One lane's failure ends the round for all. */
  fail(reason: unknown): void {
    this.failure ??= reason
    this.#ending.abort()
  }
}

/** How many times as large the piece after one should be that took so many milliseconds and costs so many. */
export function growth(ms: number, costs: number): number {
  const most = Math.min(LONG_MS, Math.max(SHORT_MS, PAYS * costs))
  const lasts = (times: number): number => costs + (ms - costs) * times
  return [4, 2, 1].find((times) => lasts(times) <= most) ?? (ms > 2 * most ? 1 / 4 : 1 / 2)
}

import { beginAfter, MOST_CONNECTIONS, Pace } from '../../src/spread/pace.js'
import { FAST, foundBy, isWorthTrying } from '../../src/spread/worth.js'

const MIB = 1024 * 1024
/** A range takes a connection about so many seconds: few requests, and what is there is hashed soon. */
const PIECE_S = 1
const LEAST_PIECE = 256 * 1024
const LARGEST_PIECE = 16 * MIB
/** Below so many bytes for each, another connection costs more than it brings. */
const SHARE = 2 * MIB
/**
 * For so many seconds it has to pay to try others. The first one says enough on a line that loses packets, and where a round
 * trip is so short, in milliseconds, that a connection is soon up to speed.
 */
const PATIENCE = 2
const SHORT = 50

/** How many connections there are to be, and how much each of them asks for; a file keeps it through all its breaks. */
export class Tempo {
  readonly #connections: number | 'auto'
  #pace: Pace | undefined
  /** So many seconds more in which others would have paid, and they are tried. */
  #patience = PATIENCE
  #hasBegun = false

  constructor(connections: number | 'auto') {
    this.#connections = connections
  }

  /** How many are wanted for a file that lacked so many bytes when they began. */
  wanted(missing: number): number {
    if (this.#connections === 'auto') return this.#pace?.wanted ?? 1
    return Math.min(this.#connections, Math.ceil(missing / SHARE))
  }

  /** How many bytes a connection asks for that brings so many in a second, where `count` are wanted. */
  piece(bytesPerSecond: number, count: number): number {
    // Nobody else needs any of it. If that changes, a range can be made shorter.
    if (count === 1) return Infinity
    return Math.floor(Math.min(LARGEST_PIECE, Math.max(LEAST_PIECE, PIECE_S * bytesPerSecond)))
  }

  /**
   * A second has brought so many bytes, with enough to do for all connections, and so many are missing still. `tripMs`: a round
   * trip.
   */
  note(bytes: number, missing: number, tripMs: number): void {
    if (this.#connections !== 'auto') return
    if (this.#pace) return this.#pace.note(bytes, missing / bytes)
    this.#hasBegun ||= bytes > 0
    const alone = foundBy(bytes, tripMs)
    const isSlow = this.#hasBegun && bytes < FAST && isWorthTrying(alone, tripMs, missing)
    this.#patience = isSlow ? this.#patience - 1 : PATIENCE
    const isSure = alone.isLossy || (bytes > 0 && tripMs <= SHORT) || this.#patience <= 0
    if (!isSlow || !isSure) return
    this.#pace = new Pace(beginAfter(alone), MOST_CONNECTIONS, alone)
  }
}

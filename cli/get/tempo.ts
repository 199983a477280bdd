import { Pace } from '../../src/spread/pace.js'

const MIB = 1024 * 1024
/** A range takes a connection about so many seconds: few requests, and what is there is hashed soon. */
const PIECE_S = 1
const LEAST_PIECE = 256 * 1024
const LARGEST_PIECE = 16 * MIB
/** Below so many bytes for each, another connection costs more than it brings. */
const SHARE = 2 * MIB
/** One connection that brings so many bytes a second is good enough, … */
const GOOD_RATE = 40 * MIB
/** … and so is one that needs no more than so many seconds. */
const SOON_S = 3
/** Where that is not so, or has not been so for two seconds, it goes on with so many. */
const BEGIN = 4

/** How many connections there are to be, and how much each of them asks for; a file keeps it through all its breaks. */
export class Tempo {
  readonly #connections: number | 'auto'
  #pace: Pace | undefined
  /** So many bad seconds more, and one connection is not enough. */
  #patience = 1
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

  /** A second has brought so many bytes, with enough to do for all connections, and so many are missing still. */
  note(bytes: number, missing: number): void {
    if (this.#connections !== 'auto') return
    if (this.#pace) return this.#pace.note(bytes, missing / bytes)
    this.#hasBegun ||= bytes > 0
    if (!this.#hasBegun) return
    this.#patience = bytes >= GOOD_RATE || missing / bytes < SOON_S ? 2 : this.#patience - 1
    if (this.#patience > 0) return
    // The one says too little: what it has brought until its first packet was lost it will never bring again.
    this.#pace = new Pace(BEGIN)
  }
}

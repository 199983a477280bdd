import { randomBytes } from 'node:crypto'
import type { Counted } from './counted.js'
import type { Case } from './finding.js'
import { type Piece, rateBetween } from './numbers.js'
import { ROUND_BYTES, Round, growth } from './round.js'
import { countOf } from './tcp.js'
import { TRIAL_BYTES, type Trial, Unfit, append, closeTrial, openTrial } from './trial.js'

/** Each lane begins a round with so many bytes, and sends more at once as long as that is quick. */
const FIRST = 16 * 1024
/** So many pieces of one byte tell what a piece costs beside its bytes; within so many milliseconds, all of them. */
const LIGHT_PIECES = 2
const LIGHT_MS = 4000

interface Lane {
  trial: Trial
  /** What this round has brought. */
  pieces: Piece[]
  /** A piece was given up: where the upload stands is uncertain, nothing more goes there. */
  isLost: boolean
}

/** Uploads side by side, each over a connection of its own. Who has opened some closes them. */
export class Lanes {
  /** What the system has counted by the end of the last round; undefined where it does not tell. */
  counted: Counted | undefined
  readonly #at: Case
  readonly #headers: Record<string, string>
  readonly #noise = randomBytes(ROUND_BYTES / 2)
  readonly #trials: Trial[] = []
  #lanes: Lane[] = []
  /** No larger requests, in bytes. */
  #most = Infinity
  /** Milliseconds that a piece takes beside its bytes: its head, the answer, the server's disk. */
  #costs = 0

  /** `headers`: of each upload's creation. */
  constructor(at: Case, headers: Record<string, string>) {
    this.#at = at
    this.#headers = headers
  }

  /**
   * Bytes per second that so many lanes bring together, as the server confirms them. Those that are there already go on, over
   * connections that are warm. It takes some seconds at most; 0 where that is too short to tell. Throws `Unfit`, the system's
   * errors, or the signal's reason.
   */
  async rate(count: number): Promise<number> {
    await this.#open(count)
    this.#most = Math.min(this.#most, ROUND_BYTES / 2 / count)
    this.#costs ||= await this.#costsOfPiece()
    const round = new Round(this.#at.signal, this.#costs)
    const work = Promise.all(this.#lanes.map((lane) => this.#drive(lane, round)))
    await Promise.race([work, round.ended()])
    // Now, as what is given up in a moment takes its connection with it.
    this.counted = (await countOf(this.#at.way.agentFor(this.#at.server))) ?? this.counted
    await work
    round.close()
    if (this.#at.signal.aborted) throw this.#at.signal.reason
    if (round.failure !== undefined) throw round.failure
    return this.#rateOf(round)
  }

  /** Leaves nothing on the server, also after an interruption. */
  async close(): Promise<void> {
    await Promise.all(this.#trials.splice(0).map((trial) => closeTrial(trial, this.#at)))
  }

  async #open(count: number): Promise<void> {
    this.#lanes = this.#lanes.filter(({ isLost }) => !isLost)
    const missing = Array.from({ length: count - this.#lanes.length })
    const opened = await Promise.allSettled(missing.map(() => this.#openTrial()))
    for (const each of opened) {
      if (each.status === 'rejected') throw each.reason
      this.#lanes.push({ trial: each.value, pieces: [], isLost: false })
    }
  }

  async #openTrial(): Promise<Trial> {
    const trial = await openTrial(this.#at, this.#headers)
    this.#trials.push(trial)
    return trial
  }

  async #costsOfPiece(): Promise<number> {
    const at = { ...this.#at, signal: AbortSignal.any([this.#at.signal, AbortSignal.timeout(LIGHT_MS)]) }
    const times: number[] = []
    for (const lane of this.#lanes.slice(0, LIGHT_PIECES)) times.push(await this.#sendPiece(lane, 1, at))
    return Math.min(...times)
  }

  /**
   * Only the later half of a round counts: a connection is slow at first, and then, until it has met with losses, faster than
   * it will be.
   */
  #rateOf({ begun, ends, isSpent }: Round): number {
    const last = this.#lanes.flatMap(({ pieces }) => pieces.at(-1)?.ended ?? [])
    const until = isSpent ? Math.min(ends, ...last) : ends
    const pieces = this.#lanes.flatMap((lane) => lane.pieces)
    return rateBetween(pieces, (begun + until) / 2, until)
  }

  /** Sends piece after piece until the round is over. A failure is the round's. */
  async #drive(lane: Lane, round: Round): Promise<void> {
    lane.pieces = []
    const at = { ...this.#at, signal: round.signal }
    try {
      for (let size = FIRST; ;) {
        const bytes = round.take(Math.min(size, this.#most, TRIAL_BYTES - 1 - lane.trial.offset))
        if (bytes === 0) return
        const ms = await this.#sendPiece(lane, bytes, at)
        size = Math.max(FIRST, bytes * growth(ms, this.#costs))
      }
    } catch (error) {
      lane.isLost = true
      if (!round.isOver) round.fail(error)
    }
  }

  /** Milliseconds that it took. One that is too large for somebody on the way makes the next ones smaller. */
  async #sendPiece(lane: Lane, bytes: number, at: Case): Promise<number> {
    const begun = performance.now()
    const answer = await append(lane.trial, this.#noise.subarray(0, bytes), at)
    const ended = performance.now()
    if (answer.status === 413 && bytes > FIRST) this.#most = bytes / 2
    else if (answer.status !== 204) throw new Unfit('PATCH', answer)
    else lane.pieces.push({ begun, ended, bytes })
    return ended - begun
  }
}

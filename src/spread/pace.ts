import { Trial } from './trial.js'
import { Usual } from './usual.js'
import type { Found } from './worth.js'

/** @public No more connections than that, however much they help. */
export const MOST_CONNECTIONS = 8
/** With how many to begin where one was slow and loses nothing. */
const BEGIN = 4
/** The line is another one where a second brings so many times the usual, or some in a row so little of it. */
const ROSE = 1.4
const FELL = 0.6
const LOW_SECONDS = 3
/** A second that brings so little of the usual says something about the line, and nothing about the number … */
const OUTAGE = 0.05
/** … unless it goes on for so many seconds. */
const LONGEST_OUTAGE = 5
/** Seconds until more are tried again: after the first time in vain, and at most. */
const FIRST_REST = 5
const LONGEST_REST = 20
/** Seconds until fewer are tried again. */
const DOUBT = 40
/**
 * So many bring at least this share of what as many single ones would, and no more than so many times that, or it was
 * something else that held the single one up: then all of them are needed for now.
 */
const EACH = { least: 0.5, most: 2 }
/** Seconds that there must be enough to do for, before it is worth while to try more, and fewer. */
const WORTH_MORE = 3
const WORTH_FEWER = 20

/** With how many connections to go on where one alone was slow. */
export function beginAfter({ isLossy }: Found): number {
  return isLossy ? MOST_CONNECTIONS : BEGIN
}

/**
 * How many connections to use, by what a second brings. Twice as many are tried as long as that helps, and half as many where
 * it does not. Then the number is kept, and tried anew now and then, or at once when the line has become another one.
 */
export class Pace {
  /** How many connections there should be now. */
  wanted: number
  /** The number between trials, for how many seconds it has been that, and what a second brings with it. */
  #kept: number
  #keptFor = 0
  readonly #usual = new Usual()
  /** What is known of it: more bring no more; fewer bring less; the line has just become better. */
  #isEnough = false
  #isNeeded = false
  #hasRisen = false
  #trial: Trial | undefined
  #rest = FIRST_REST
  /** Seconds in a row with next to nothing, and with little. */
  #outage = 0
  #low = 0
  readonly #most: number
  /** What one brought alone, in bytes a second, until that has been compared. */
  #alone: number | undefined

  /** Begins with so many connections, and tries no more than `most`. `alone`: what a single one was like, where known. */
  constructor(begin: number, most = MOST_CONNECTIONS, alone?: Found) {
    this.#most = most
    // On a line that loses nothing a first second says too little of one.
    if (alone?.isLossy) this.#alone = alone.bytesPerSecond
    this.wanted = this.#kept = Math.min(begin, most)
  }

  /**
   * So many bytes have come, or gone, in the last second, in which there was enough to do for `wanted` connections, as there
   * will be for so many seconds.
   */
  note(bytesPerSecond: number, secondsLeft = Infinity): void {
    if (this.#isOutage(bytesPerSecond)) return
    if (this.#trial) this.#try(this.#trial, bytesPerSecond, secondsLeft)
    else this.#keep(bytesPerSecond, secondsLeft)
  }

  #isOutage(bytes: number): boolean {
    this.#outage = bytes <= OUTAGE * this.#usual.mean ? this.#outage + 1 : 0
    if (this.#outage < LONGEST_OUTAGE) return this.#outage > 0
    if (bytes > 0) this.#keepTo(this.#kept)
    return bytes === 0
  }

  #keep(bytes: number, secondsLeft: number): void {
    this.#keptFor += 1
    this.#noticeChange(bytes)
    this.#usual.add(bytes)
    // What is new brings too little in its first second, or, until its first packet is lost, too much.
    if (this.#usual.count < 2 && !this.#hasRisen) return
    this.#compare()
    if (this.#keptFor >= this.#rest) this.#isEnough = false
    if (this.#keptFor >= DOUBT) this.#isNeeded = false
    const canHaveMore = !this.#isEnough && this.#kept < this.#most
    if (canHaveMore && secondsLeft > WORTH_MORE) this.#begin(this.#more)
    const canHaveFewer = !canHaveMore && !this.#isNeeded && this.#kept > 1
    if (canHaveFewer && secondsLeft > WORTH_FEWER) this.#begin(Math.floor(this.#kept / 2))
  }

  /** Where one alone was slow, and each of these is not much slower, fewer bring less. */
  #compare(): void {
    if (this.#alone === undefined) return
    const share = this.#usual.mean / (this.#alone * this.#kept)
    this.#isNeeded = share > EACH.least && share < EACH.most
    this.#alone = undefined
  }

  #noticeChange(bytes: number): void {
    const { mean, count } = this.#usual
    if (count < 2) return
    this.#low = bytes < FELL * mean ? this.#low + 1 : 0
    if (bytes > ROSE * mean) this.#rise(this.#kept)
    if (this.#low < LOW_SECONDS) return
    this.#keepTo(this.#kept)
    // It may be that there are too many now: fewer are tried first.
    this.#isEnough = true
  }

  #rise(count: number): void {
    // What was needed on a worse line is not given up because a better one shows.
    const isNeeded = this.#isNeeded && count === this.#kept
    this.#keepTo(count)
    this.#isNeeded = isNeeded
    this.#hasRisen = true
  }

  /** Keeps that number from now on, of which nothing is known yet. */
  #keepTo(count: number): void {
    this.wanted = this.#kept = count
    this.#keptFor = 0
    this.#usual.forget()
    this.#isEnough = this.#isNeeded = this.#hasRisen = false
    this.#trial = undefined
    this.#rest = FIRST_REST
    this.#low = 0
  }

  /** Four of one, and twice as many as long as that helps; after it was in vain, half as many more. */
  get #more(): number {
    if (this.#hasRisen) return this.#most
    const times = this.#kept === 1 ? 4 : 2
    const more = this.#rest > FIRST_REST ? Math.ceil(1.5 * this.#kept) : times * this.#kept
    return Math.min(this.#most, more)
  }

  #begin(count: number): void {
    this.#trial = new Trial({ count: this.#kept, brings: this.#usual.mean }, count)
    this.wanted = count
  }

  #try(trial: Trial, bytes: number, secondsLeft: number): void {
    trial.see(bytes)
    // That is not for having fewer.
    if (trial.count < this.#kept && bytes > ROSE * this.#usual.mean) {
      this.#rise(trial.count)
      this.#keep(bytes, secondsLeft)
    } else if (trial.isOver) this.#settle(trial)
  }

  #settle(trial: Trial): void {
    const { needed, few, many, count, seen } = trial
    if (needed !== this.#kept) this.#keepTo(needed)
    else this.#rest = Math.min(LONGEST_REST, this.#rest * 2)
    if (needed === count) for (const bytes of seen) this.#usual.add(bytes)
    this.#isEnough ||= needed < many.count
    this.#isNeeded ||= needed > few.count
    this.#trial = undefined
    this.#keptFor = 0
    this.wanted = needed
  }
}

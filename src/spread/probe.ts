import { FAST, type Found, foundBy, isWorthTrying } from './worth.js'

/**
 * When it is looked for the first time what the server has, and then how often, in milliseconds. It tells what is on disk,
 * and sees to that once a second.
 */
const FIRST = 1200
const LOOK = 1000
/** The same where it had not told anything at the first look: that came a moment too early. */
const SOON = 300
/** After so many looks that found nothing each comes twice as late as the one before it, but not later than that. */
const ENOUGH = 3
const SELDOM = 16_000
/** A limit shared with others may be the reason for anything down to this share of it. */
const LIMITED = 1 / 4

/** What is watched. */
interface Watched {
  /** Bytes of the file. */
  size: number
  /** Bytes a second that may go. */
  limit: number | undefined
  /** A round trip, in milliseconds. */
  tripMs: number
  /** How many bytes the server has. */
  ask: () => Promise<number>
}

/**
 * Watches a transfer over one connection, and says once when several are worth a try. What we have written tells little: the
 * system takes megabytes of it at once. So the server is asked; not where even what we write is fast.
 */
export class Probe {
  readonly #watched: Watched
  readonly #onFound: (found: Found) => void
  /** Bytes: that have gone out now and at the last look, and that the server had then. */
  #out = 0
  #outBefore = 0
  #there: number | undefined
  #isFirst = true
  /** How many have told something new, and how many milliseconds there were to the last one. */
  #looks = 0
  #span = LOOK
  #timer: ReturnType<typeof setTimeout> | undefined
  #isOver = false

  constructor(watched: Watched, onFound: (found: Found) => void) {
    this.#watched = watched
    this.#onFound = onFound
  }

  /** The server has so many bytes, and takes the next ones now. */
  begin(bytes: number): void {
    if (this.#timer) return
    this.#there = this.#out = this.#outBefore = bytes
    this.#wait(FIRST)
  }

  /** So many bytes of the file are there or on their way. */
  note(bytes: number): void {
    this.#out = bytes
  }

  stop(): void {
    this.#isOver = true
    clearTimeout(this.#timer)
  }

  #wait(milliseconds: number): void {
    if (!this.#isOver) this.#timer = setTimeout(() => void this.#look(), milliseconds)
  }

  async #look(): Promise<void> {
    const out = this.#out - this.#outBefore
    this.#outBefore = this.#out
    if (out > (FAST * this.#span) / 1000) return this.#wait(this.#span)
    const before = this.#there
    const begun = performance.now()
    this.#there = await this.#watched.ask().catch(() => undefined)
    const brought = before === undefined || this.#there === undefined ? 0 : this.#there - before
    if (brought > 0) this.#looks += 1
    const found = this.#judge((brought / this.#span) * 1000)
    if (this.#isOver || !found) return this.#rest(brought, performance.now() - begun)
    this.stop()
    this.#onFound(found)
  }

  /** Until the next look, after one that found nothing, brought so many bytes, and took so many milliseconds. */
  #rest(brought: number, took: number): void {
    const isEarly = this.#isFirst && brought === 0
    this.#isFirst = false
    if (isEarly) return this.#wait(Math.max(0, SOON - took))
    const isWell = brought > 0 && this.#looks >= ENOUGH
    this.#span = isWell ? Math.min(SELDOM, 2 * this.#span) : LOOK
    this.#wait(Math.max(0, this.#span - took))
  }

  /** So many bytes have come to the server in a second: what is to be thought of that, if others are worth a try. */
  #judge(bytesPerSecond: number): Found | undefined {
    const { limit = Infinity, tripMs, size } = this.#watched
    // Nothing moves: that is another matter.
    if (bytesPerSecond <= 0 || bytesPerSecond > Math.min(FAST, LIMITED * limit)) return undefined
    const found = foundBy(bytesPerSecond, tripMs)
    // The first second is slower than those after it: enough for a line that loses, and no other.
    if (this.#looks < 2 && !found.isLossy) return undefined
    return isWorthTrying(found, tripMs, size - this.#there!) ? found : undefined
  }
}

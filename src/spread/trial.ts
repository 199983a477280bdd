/** More connections have helped where they bring so many times as much; less than that may be chance. Or they do harm. */
const HELPS = 1.12
const HARMS = 0.8
/** Where the line is lossy one connection too many costs little, and one too few a lot. */
const MARGIN = 1.1
/** One alone would not show when the line gets better: the second stays where it does no harm. */
const LEAST = 2
/** It is over after so many seconds, or after one that brings so much of what was hoped for, or so little at all. */
const SECONDS = 3
const CLEARLY_MORE = 0.4
const CLEARLY_LESS = 0.75

/** So many connections, and what they bring in a second. */
export interface Brought {
  count: number
  brings: number
}

/** Another number of connections than before, for as long as it takes to see what it brings. */
export class Trial {
  /** What each second has brought. */
  readonly seen: number[] = []

  constructor(
    readonly before: Brought,
    readonly count: number,
  ) {}

  see(bytesPerSecond: number): void {
    this.seen.push(bytesPerSecond)
  }

  get isOver(): boolean {
    const isClearlyLess = this.#latest < CLEARLY_LESS * this.before.brings
    return this.seen.length === SECONDS || this.#isClearlyMore || isClearlyLess
  }

  get few(): Brought {
    return this.#isUp ? this.before : this.#now
  }

  get many(): Brought {
    return this.#isUp ? this.#now : this.before
  }

  /** How many it takes to bring what the many bring: as long as all are needed, each brings the same. */
  get needed(): number {
    const { few, many } = this
    if (this.#isClearlyMore) return this.count
    const gain = many.brings / few.brings
    if (gain < HARMS) return few.count
    if (gain < HELPS) return Math.max(few.count, Math.min(LEAST, many.count))
    return Math.min(many.count, Math.ceil(few.count * gain * MARGIN))
  }

  get #isUp(): boolean {
    return this.count > this.before.count
  }

  get #latest(): number {
    return this.seen.at(-1) ?? 0
  }

  get #isClearlyMore(): boolean {
    const hoped = this.count / this.before.count - 1
    return this.#isUp && this.#latest > (1 + CLEARLY_MORE * hoped) * this.before.brings
  }

  /** In its first second a connection gets up to speed, and one that is given up may have something left to do. */
  get #now(): Brought {
    const [first = 0, ...others] = this.seen
    const counted = others.length > 0 ? others : [first]
    return { count: this.count, brings: counted.reduce((sum, bytes) => sum + bytes, 0) / counted.length }
  }
}

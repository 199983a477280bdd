import type { Range } from '../../src/spread/ranges.js'

/** What is still to be fetched; several workers take pieces of it, the first ones first. */
export class Todo {
  #open: Range[]

  constructor(gaps: readonly Range[]) {
    this.#open = [...gaps]
  }

  get isEmpty(): boolean {
    return this.#open.length === 0
  }

  /** The next piece, of so many bytes at most; undefined where nothing is left to take. */
  take(most: number): Range | undefined {
    const first = this.#open.shift()
    if (!first) return undefined
    const end = Math.min(first.end, first.start + most)
    if (end < first.end) this.#open.unshift({ start: end, end: first.end })
    return { start: first.start, end }
  }

  /** What was taken and could not be fetched. */
  giveBack(rest: Range): void {
    if (rest.start < rest.end)
      this.#open = [...this.#open, rest].toSorted((one, other) => one.start - other.start)
  }
}

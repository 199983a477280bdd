import type { Range } from './ranges.js'

/** What is still to be sent or fetched of a file, in the file's order; several take pieces of it. */
export class Gaps {
  #gaps: Range[]

  constructor(gaps: readonly Range[] = []) {
    this.#gaps = [...gaps]
  }

  /** Bytes that nobody has taken yet. */
  get left(): number {
    return this.#gaps.reduce((sum, { start, end }) => sum + end - start, 0)
  }

  get isEmpty(): boolean {
    return this.#gaps.length === 0
  }

  /** The next stretch, of so many bytes at most; undefined where none is left. */
  take(most: number): Range | undefined {
    const gap = this.#gaps.shift()
    if (!gap) return undefined
    const end = Math.min(gap.end, gap.start + most)
    if (end < gap.end) this.#gaps.unshift({ start: end, end: gap.end })
    return { start: gap.start, end }
  }

  /** What was taken and could not be brought. */
  giveBack(rest: Range): void {
    if (rest.start < rest.end)
      this.#gaps = [...this.#gaps, rest].toSorted((one, other) => one.start - other.start)
  }
}

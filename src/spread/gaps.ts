import type { Range } from './ranges.js'

/** What is still to be sent of a file, in the file's order. */
export class Gaps {
  readonly #gaps: Range[]

  constructor(gaps: readonly Range[] = []) {
    this.#gaps = [...gaps]
  }

  /** Bytes that nobody has taken yet. */
  get left(): number {
    return this.#gaps.reduce((sum, { start, end }) => sum + end - start, 0)
  }

  /** The next stretch, of so many bytes at most; undefined where none is left. */
  take(most: number): Range | undefined {
    const gap = this.#gaps.shift()
    if (!gap) return undefined
    const end = Math.min(gap.end, gap.start + most)
    if (end < gap.end) this.#gaps.unshift({ start: end, end: gap.end })
    return { start: gap.start, end }
  }
}

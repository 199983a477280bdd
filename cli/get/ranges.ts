/** Bytes of a file: from `start` up to, and without, `end`. */
export interface Range {
  start: number
  end: number
}

/** Which bytes of a file are there: ranges in order, none touching the next. */
export class Ranges {
  #list: Range[] = []

  constructor(ranges: Iterable<Range> = []) {
    for (const range of ranges) this.add(range)
  }

  add({ start, end }: Range): void {
    if (start >= end) return
    const apart = (range: Range) => range.end < start || range.start > end
    const touched = this.#list.filter((range) => !apart(range))
    const merged = {
      start: Math.min(start, ...touched.map((range) => range.start)),
      end: Math.max(end, ...touched.map((range) => range.end)),
    }
    this.#list = [...this.#list.filter(apart), merged].toSorted((one, other) => one.start - other.start)
  }

  /** How many bytes are there. */
  get total(): number {
    return this.#list.reduce((sum, { start, end }) => sum + end - start, 0)
  }

  /** How many bytes are there without a gap from the beginning on. */
  get front(): number {
    const first = this.#list[0]
    return first?.start === 0 ? first.end : 0
  }

  /** What is missing of a file of `size` bytes, in order. */
  gaps(size: number): Range[] {
    const starts = [0, ...this.#list.map(({ end }) => end)]
    const ends = [...this.#list.map(({ start }) => start), size]
    return starts
      .map((start, index) => ({ start, end: Math.min(size, ends[index] ?? size) }))
      .filter(({ start, end }) => start < end)
  }

  /** What is there of the first `size` bytes. */
  within(size: number): Ranges {
    return new Ranges(this.#list.map(({ start, end }) => ({ start, end: Math.min(end, size) })))
  }

  /** The ranges, as they are now. */
  toJSON(): [number, number][] {
    return this.#list.map(({ start, end }) => [start, end])
  }
}

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

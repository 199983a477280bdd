/**
 * What is remembered for a while, by keys that strangers choose. Its memory is bounded: beyond `most` keys it forgets what
 * was told longest ago.
 */
export class Recent<T> {
  readonly #entries = new Map<string, { value: T; until: number }>()

  constructor(readonly most: number) {}

  get size(): number {
    return this.#entries.size
  }

  get(key: string): T | undefined {
    const entry = this.#entries.get(key)
    return entry && entry.until > performance.now() ? entry.value : undefined
  }

  /** Remembers it for so many milliseconds. */
  set(key: string, value: T, milliseconds: number): void {
    const now = performance.now()
    this.#entries.delete(key)
    this.#entries.set(key, { value, until: now + milliseconds })
    // Two for each that comes, so that what is over goes without anybody looking through all of it.
    let looks = 2
    for (const [oldest, { until }] of this.#entries) {
      if (this.#entries.size <= this.most && (until > now || looks-- === 0)) break
      this.#entries.delete(oldest)
    }
  }

  delete(key: string): void {
    this.#entries.delete(key)
  }
}

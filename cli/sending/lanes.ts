/** How many small files run where one big one would. */
const SMALL_PER_SLOT = 8
/** So many of either kind wait, then no more are asked for. */
const WAITING = 256

interface Options<T> {
  /** How many big ones run at once. */
  concurrency: number
  isBig: (item: T) => boolean
  /** Works at one item. What it rejects with ends everything. */
  act: (item: T) => Promise<void>
}

/**
 * Works at many things at once, as they come: neither kind waits for the other. Small ones that wait leave a slot to the
 * big ones, and big ones leave a slot to the small ones as long as any may come; alone, either kind has them all.
 */
export class Lanes<T> {
  readonly #options: Options<T>
  readonly #waiting = { big: [] as T[], small: [] as T[] }
  #running = { big: 0, small: 0 }
  #isOver = false
  #failure: { error: unknown } | undefined
  #wake: () => void = () => undefined

  constructor(options: Options<T>) {
    this.#options = options
  }

  /** Resolves when all that came is done; rejects, when what runs has ended, with the first thing that went wrong. */
  async run(items: AsyncIterable<T>): Promise<void> {
    for await (const item of items) {
      this.#waiting[this.#options.isBig(item) ? 'big' : 'small'].push(item)
      this.#start()
      while (this.#isFull && !this.#failure) await this.#change()
      if (this.#failure) break
    }
    this.#isOver = true
    this.#start()
    while (this.#running.big + this.#running.small > 0) await this.#change()
    if (this.#failure) throw this.#failure.error
  }

  get #isFull(): boolean {
    return this.#waiting.big.length >= WAITING || this.#waiting.small.length >= WAITING
  }

  #start(): void {
    while (!this.#failure) {
      const kind = this.#mayStart('small') ? 'small' : this.#mayStart('big') ? 'big' : undefined
      if (!kind) return
      void this.#work(kind, this.#waiting[kind].shift()!)
    }
  }

  #mayStart(kind: 'big' | 'small'): boolean {
    const { concurrency } = this.#options
    if (this.#waiting[kind].length === 0) return false
    const { big, small } = this.#running
    const slots = big + Math.ceil((small + (kind === 'small' ? 1 : 0)) / SMALL_PER_SLOT)
    const kept = concurrency > 1 ? 1 : 0
    if (kind === 'big') {
      const mayComeSmall = !this.#isOver || this.#waiting.small.length > 0
      return slots < concurrency && big < concurrency - (mayComeSmall ? kept : 0)
    }
    const isBigWaiting = this.#waiting.big.length > 0 && big === 0
    return slots <= concurrency - (isBigWaiting ? kept : 0)
  }

  async #work(kind: 'big' | 'small', item: T): Promise<void> {
    this.#running[kind]++
    try {
      await this.#options.act(item)
    } catch (error) {
      this.#failure ??= { error }
    }
    this.#running[kind]--
    this.#start()
    this.#wake()
  }

  #change(): Promise<void> {
    return new Promise((resolve) => (this.#wake = resolve))
  }
}

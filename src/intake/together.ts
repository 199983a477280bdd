/**
 * Work that many ask for at once and one doing serves: who asks while it is done gets the next one, which begins when this
 * has ended, and so covers all that happened before it was asked for.
 */
export class Together {
  #last: Promise<unknown> = Promise.resolve()
  #next: Promise<void> | undefined

  /** Resolves, or rejects, as a doing of `work` does that has begun after this call. */
  do(work: () => Promise<void>): Promise<void> {
    this.#next ??= this.#after(this.#last, work)
    return this.#next
  }

  async #after(last: Promise<unknown>, work: () => Promise<void>): Promise<void> {
    await last
    this.#next = undefined
    const doing = work()
    this.#last = doing.catch(() => undefined)
    return doing
  }
}

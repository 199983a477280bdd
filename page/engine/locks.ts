/** One at a time for each key, in the order in which they came. */
export class Locks {
  readonly #last = new Map<string, Promise<unknown>>()

  /** Whether somebody has it, or waits for it. */
  isTaken(key: string): boolean {
    return this.#last.has(key)
  }

  /** Runs the action when its turn has come. Throws as the action, or the signal's reason. */
  async use<T>(key: string, signal: AbortSignal, action: () => Promise<T>): Promise<T> {
    const before = this.#last.get(key)
    const running = Promise.resolve(before).then(() => {
      signal.throwIfAborted()
      return action()
    })
    const over = running.catch(() => undefined)
    this.#last.set(key, over)
    void over.then(() => this.#last.get(key) === over && this.#last.delete(key))
    return abortable(running, signal)
  }
}

/** The promise's result, unless the signal aborts before: then its reason is thrown. */
export function abortable<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const leave = (): void => reject(signal.reason as Error)
    signal.addEventListener('abort', leave, { once: true })
    if (signal.aborted) leave()
    void promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', leave))
  })
}

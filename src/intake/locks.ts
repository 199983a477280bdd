interface Held {
  /** Asks the holder to let go; it has its reasons how fast it does. */
  leave: () => void
  waiting: (() => void)[]
}

/** One lock for each key, a queue of promises. Whoever wants a lock that is held asks its holder to leave. */
export class Locks {
  readonly #held = new Map<string, Held>()

  isHeld(key: string): boolean {
    return this.#held.has(key)
  }

  /**
   * Takes the lock, waiting for those who came first; resolves with its release (which may be called twice).
   * `leave` is called each time somebody else asks for it. Rejects with the signal's reason when that aborts first.
   */
  async acquire(key: string, leave: () => void = () => undefined, signal?: AbortSignal): Promise<() => void> {
    const held = this.#held.get(key)
    if (held) {
      held.leave()
      await turn(held, signal)
    }
    const mine: Held = { leave, waiting: held?.waiting ?? [] }
    this.#held.set(key, mine)
    // Those who still wait behind asked the former holder, not this one.
    if (mine.waiting.length > 0) queueMicrotask(leave)
    let released = false
    return () => {
      if (!released) this.#release(key, mine)
      released = true
    }
  }

  /** Runs an action under the lock. */
  async under<T>(key: string, action: () => Promise<T>): Promise<T> {
    const release = await this.acquire(key)
    try {
      return await action()
    } finally {
      release()
    }
  }

  /** Asks every holder to leave. */
  askAll(): void {
    for (const { leave } of this.#held.values()) leave()
  }

  #release(key: string, mine: Held): void {
    const next = mine.waiting.shift()
    // The key stays held until the next one has taken it over, so that nobody slips in between.
    if (next) next()
    else this.#held.delete(key)
  }
}

function turn(held: Held, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    held.waiting.push(resolve)
    signal?.addEventListener('abort', () => {
      const index = held.waiting.indexOf(resolve)
      if (index < 0) return
      held.waiting.splice(index, 1)
      reject(signal.reason as Error)
    })
  })
}

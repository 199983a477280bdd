import type { Md5 } from '../contract.js'

/** Who waits for an upload of some content to end, in whatever way. */
export class Waiters {
  readonly #waiting = new Map<Md5, Set<() => void>>()

  /** Resolves when somebody's upload of it has ended, after so many milliseconds, or when the signal aborts. */
  wait(md5: Md5, milliseconds: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const all = this.#waiting.get(md5) ?? new Set()
      const wake = (): void => {
        clearTimeout(timer)
        signal.removeEventListener('abort', wake)
        all.delete(wake)
        if (all.size === 0 && this.#waiting.get(md5) === all) this.#waiting.delete(md5)
        resolve()
      }
      const timer = setTimeout(wake, milliseconds)
      signal.addEventListener('abort', wake)
      this.#waiting.set(md5, all.add(wake))
      if (signal.aborted) wake()
    })
  }

  wake(md5: Md5): void {
    for (const wake of this.#waiting.get(md5) ?? []) wake()
  }

  wakeAll(): void {
    for (const md5 of this.#waiting.keys()) this.wake(md5)
  }
}

import { setTimeout as sleep } from 'node:timers/promises'

/** Shares so many bytes a second among all that send. */
export class Limiter {
  /** When everything that was let through so far has had its time, in monotonic milliseconds. */
  #busyUntil = 0

  constructor(readonly bytesPerSecond: number) {}

  /** Resolves when these bytes may go. */
  async take(bytes: number): Promise<void> {
    const now = performance.now()
    const begin = Math.max(now, this.#busyUntil)
    this.#busyUntil = begin + (bytes / this.bytesPerSecond) * 1000
    if (begin - now >= 1) await sleep(begin - now)
  }
}

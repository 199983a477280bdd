import { setTimeout as sleep } from 'node:timers/promises'

/** More at once than passes in this time, in seconds, would come in bursts, with silence in between. */
const BURST = 0.25

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

  /** The bytes in pieces of a size that passes smoothly. */
  *slices(bytes: Buffer): Generator<Buffer> {
    const size = Math.max(1024, Math.floor(this.bytesPerSecond * BURST))
    for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
  }
}

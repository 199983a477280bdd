import { ClientError } from './errors.js'

/** Notices that nothing moves. One that is reset in time, or stopped, never fires. */
export class StallTimer {
  readonly #timer: NodeJS.Timeout
  #isStopped = false
  #resets = 0

  /** After `ms` without a reset, `isMoving` is asked; if it says no, `onStall` gets a `stalled` error. */
  constructor(ms: number, isMoving: () => Promise<boolean>, onStall: (error: ClientError) => void) {
    const verdict = async () => {
      const resetsBefore = this.#resets
      const isAlive = await isMoving().catch(() => false)
      if (this.#isStopped) return
      if (isAlive || this.#resets > resetsBefore) this.#timer.refresh()
      else onStall(new ClientError('stalled', { reason: `${Math.round(ms / 1000)}` }))
    }
    this.#timer = setTimeout(() => void verdict(), ms)
  }

  reset(): void {
    this.#resets += 1
    if (!this.#isStopped) this.#timer.refresh()
  }

  stop(): void {
    this.#isStopped = true
    clearTimeout(this.#timer)
  }
}

import { ClientError } from './errors.js'

/**
 * Notices that nothing moves any more. On a slow line bytes leave the system's own buffers long after we have written
 * the last one, so what counts is what arrives: the server is asked halfway and at the end, and if it has no more
 * then than before (or does not answer), that is a stall.
 */
export class StallTimer {
  readonly #timer: NodeJS.Timeout
  readonly #ms: number
  readonly #askOffset: () => Promise<number>
  readonly #onStall: (error: ClientError) => void
  #isStopped = false
  /** Counts our own movements, to see whether there was one while we asked. */
  #resets = 0
  #looks = 0
  #offset: number | undefined

  /** `onStall` gets a `stalled` error after `ms` without a reset. `askOffset`: how many bytes the server has. */
  constructor(ms: number, askOffset: () => Promise<number>, onStall: (error: ClientError) => void) {
    this.#ms = ms
    this.#askOffset = askOffset
    this.#onStall = onStall
    this.#timer = setTimeout(() => void this.#look(), ms / 2)
  }

  /** A byte has moved. */
  reset(): void {
    this.#resets += 1
    this.#looks = 0
    if (!this.#isStopped) this.#timer.refresh()
  }

  stop(): void {
    this.#isStopped = true
    clearTimeout(this.#timer)
  }

  async #look(): Promise<void> {
    const [resets, before] = [this.#resets, this.#offset]
    this.#offset = await this.#askOffset().catch(() => undefined)
    if (this.#isStopped || this.#resets > resets) return
    const hasMoved = this.#offset !== undefined && before !== undefined && this.#offset > before
    this.#looks = hasMoved ? 1 : this.#looks + 1
    if (this.#looks < 2) this.#timer.refresh()
    else this.#onStall(new ClientError('stalled', { reason: `${Math.round(this.#ms / 1000)}` }))
  }
}

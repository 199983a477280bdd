/** So many of the six connections that a browser opens to one host are for files: questions must get through, too. */
export const CONNECTIONS = 5
/** So many files at a time. */
const SLOTS = 3
/** One slot is for files that are not larger, in bytes, so that small ones do not wait for big ones. */
const SMALL = 8 * 1024 * 1024

interface Waiting {
  readonly isSmall: boolean
  readonly go: () => void
}

/** How many files are sent at a time. */
export class Slots {
  #small = 0
  #big = 0
  #waiting: Waiting[] = []

  /** Runs the action when it is the file's turn; `onWait`: it is not yet. Throws as the action, or the signal's reason. */
  async use<T>(
    size: number,
    signal: AbortSignal,
    action: () => Promise<T>,
    onWait: () => void = () => undefined,
  ): Promise<T> {
    const isSmall = size <= SMALL
    await this.#turn(isSmall, signal, onWait)
    try {
      return await action()
    } finally {
      if (isSmall) this.#small--
      else this.#big--
      this.#next()
    }
  }

  /** How many connections each file may have now. */
  get share(): number {
    return Math.max(1, Math.floor(CONNECTIONS / Math.max(1, this.#small + this.#big)))
  }

  /** Resolves with the slot taken. */
  #turn(isSmall: boolean, signal: AbortSignal, onWait: () => void): Promise<void> {
    return new Promise<void>((resolve, reject) => {
      const waiting = { isSmall, go: resolve }
      const leave = (): void => {
        this.#waiting = this.#waiting.filter((other) => other !== waiting)
        reject(signal.reason as Error)
      }
      waiting.go = () => {
        signal.removeEventListener('abort', leave)
        resolve()
      }
      signal.addEventListener('abort', leave)
      if (signal.aborted) return leave()
      this.#waiting.push(waiting)
      this.#next()
      if (this.#waiting.at(-1) === waiting) onWait()
    })
  }

  #next(): void {
    for (;;) {
      const isFull = this.#small + this.#big >= SLOTS
      const mayBeBig = this.#big < SLOTS - 1
      const next = isFull
        ? undefined
        : (this.#waiting.find(({ isSmall }) => isSmall) ?? (mayBeBig ? this.#waiting[0] : undefined))
      if (!next) return
      this.#waiting = this.#waiting.filter((other) => other !== next)
      if (next.isSmall) this.#small++
      else this.#big++
      next.go()
    }
  }
}

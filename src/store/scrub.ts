import { setTimeout as sleep } from 'node:timers/promises'
import { examine, type Flaw } from './examine.js'
import type { Ledger } from './ledger.js'
import type { Listed } from './rows.js'
import type { Shelf } from './shelf.js'

/** Bytes per second, at most: it runs beside everything else. */
const RATE = 32 * 1024 * 1024
/** Timers do not reach 30 days, and after a trouble it is tried again after this, in milliseconds. */
const LONGEST_SLEEP = 60_000
const DAY = 86_400_000

export interface ScrubReport {
  file: string
  bytes: number
  flaw: Flaw | undefined
}

/**
 * Reads the whole shelf again in so many days, to find what the disk has forgotten. MD5s are spread evenly, so the
 * share of a round's time that has passed tells how far in their order it should be; nothing has to be counted. How far
 * it is stands in the ledger. What only its name vouches for comes first.
 */
export class Scrub {
  readonly #stop = new AbortController()
  /** Files that were being written when they were read. */
  #changing: Listed[] = []
  #running: Promise<void> = Promise.resolve()

  constructor(
    readonly shelf: Shelf,
    readonly ledger: Ledger,
    readonly days: number,
    readonly report: (report: ScrubReport) => void,
    readonly onTrouble: (error: unknown) => void,
  ) {}

  start(): void {
    if (this.days > 0) this.#running = this.#run()
  }

  /** Resolves when nothing is read any more. */
  async stop(): Promise<void> {
    this.#stop.abort()
    await this.#running
  }

  async #run(): Promise<void> {
    const { signal } = this.#stop
    while (!signal.aborted) {
      try {
        await this.#readUnverified()
        await this.#round()
      } catch (error) {
        if (signal.aborted) return
        this.onTrouble(error)
        await sleep(LONGEST_SLEEP, undefined, { signal, ref: false }).catch(() => undefined)
      }
    }
  }

  async #readUnverified(): Promise<void> {
    const { ledger } = this
    let next = ledger.read.contentAfter('', { unverified: true })
    while (next) {
      await this.#read(next)
      next = ledger.read.contentAfter(next.md5, { unverified: true })
    }
  }

  /** From where the last one was left to the last MD5, and then the rest of the time. */
  async #round(): Promise<void> {
    const { ledger } = this
    const from = ledger.read.mark('scrub') ?? ''
    const begun = performance.now() - shareOf(from) * this.days * DAY
    let next = ledger.read.contentAfter(from)
    while (next) {
      await this.#until(begun + shareOf(next.md5) * this.days * DAY)
      await this.#read(next, next.md5)
      next = ledger.read.contentAfter(next.md5)
    }
    await this.#until(begun + this.days * DAY)
    await ledger.write('mark', { name: 'scrub', value: '' })
  }

  async #read(content: Listed, cursor?: string): Promise<void> {
    const { file, md5 } = content
    let bytes = 0
    const onRead = (more: number): void => void (bytes += more)
    const pace = { rate: RATE, signal: this.#stop.signal, onRead }
    const how = { repair: true, pace, ...(cursor === undefined ? {} : { cursor }) }
    const flaw = await examine(file, md5, this.shelf, this.ledger, how)
    if (flaw?.kind === 'changing') this.#changing.push(content)
    if (flaw && cursor !== undefined) await this.ledger.write('mark', { name: 'scrub', value: cursor })
    this.report({ file, bytes, flaw })
  }

  /** Waits for a moment of the monotonic clock, in milliseconds; looks meanwhile at what was being written. */
  async #until(moment: number): Promise<void> {
    for (let left = moment - performance.now(); left > 0; left = moment - performance.now()) {
      await sleep(Math.min(left, LONGEST_SLEEP), undefined, { signal: this.#stop.signal, ref: false })
      const changing = this.#changing
      this.#changing = []
      for (const content of changing) await this.#read(content)
    }
  }
}

/** Where an MD5 stands among all that there can be, from 0 to 1. */
function shareOf(md5: string): number {
  return md5 === '' ? 0 : parseInt(md5.slice(0, 12), 16) / 16 ** 12
}

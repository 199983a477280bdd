import type { Console } from '../console.js'
import type { Messages } from '../messages.js'
import { type Progress, percentOf } from '../progress.js'
import type { ProgressEvents } from './progress-events.js'
import { Speedometer, formatBytes, formatSeconds } from '../speed.js'

/** Smaller files come and go too quickly to be watched. In bytes. */
const WATCHED = 1024 * 1024

/** Shows how many files get on. */
export interface View {
  /** For lines that are no results. */
  readonly console: Console
  /** Another file is to be brought, of so many bytes. */
  found(bytes: number): void
  /** No more are to come. */
  complete(): void
  /** A file of so many bytes is being worked at; `end` says that it is over with. */
  begin(name: string, bytes: number): { progress: Progress; end: () => void }
  /** Prints a line of the results. */
  print(write: () => void, line: string): void
  stop(): void
}

/** What is known of all files together. Bytes. */
class Totals {
  files = 0
  bytes = 0
  done = 0
  doneBytes = 0
  isAll = false
  /** Bytes of files that are under way. */
  readonly running = new Map<object, number>()
  readonly speed = new Speedometer()
  #moved = 0

  /** What comes out of a pipe has no size that was known before. */
  get all(): number {
    return Math.max(this.bytes, this.reached)
  }

  get reached(): number {
    return [...this.running.values()].reduce((sum, bytes) => sum + bytes, this.doneBytes)
  }

  move(key: object, bytes: number): void {
    this.#moved += Math.max(0, bytes - (this.running.get(key) ?? bytes))
    this.running.set(key, bytes)
    this.speed.add(this.#moved)
  }

  texts({
    upload,
    timeLeft,
  }: Messages): Record<'files' | 'percent' | 'done' | 'all' | 'speed' | 'left', string> {
    const rate = this.speed.bytesPerSecond
    const left = rate && this.isAll ? timeLeft(formatSeconds((this.all - this.reached) / rate)) : ''
    return {
      files: upload.total(this.done, this.files, this.isAll),
      percent: percentOf(this.reached, this.all),
      done: formatBytes(this.reached),
      all: formatBytes(this.all),
      speed: rate === undefined ? '' : `${formatBytes(rate)}/s`,
      left,
    }
  }
}

/** What views have in common: a file's progress counts for the whole. */
export abstract class Counting {
  protected readonly totals = new Totals()
  readonly #events: ProgressEvents | undefined

  /** `events`: who else wants to hear of it. */
  constructor(events: ProgressEvents | undefined) {
    this.#events = events
  }

  found(bytes: number): void {
    this.totals.files++
    this.totals.bytes += bytes
    this.#changed()
  }

  complete(): void {
    this.totals.isAll = true
    this.#changed()
  }

  begin(name: string, bytes: number): { progress: Progress; end: () => void } {
    const { totals } = this
    const key = {}
    const own = bytes >= WATCHED ? this.own(name) : undefined
    let isCounted = false
    const count = (done: number): void => {
      if (isCounted) totals.move(key, done)
      this.#changed()
    }
    const progress: Progress = {
      start: (step, done) => {
        isCounted = step.kind === 'uploading'
        own?.start(step, done)
        count(done)
      },
      update: (done) => {
        own?.update(done)
        count(done)
      },
      stop: () => own?.stop(),
    }
    const end = (): void => {
      totals.running.delete(key)
      totals.done++
      totals.doneBytes += bytes
      this.#changed()
    }
    return { progress, end }
  }

  #changed(): void {
    this.refresh()
    const { reached: bytes, all: total, files, done } = this.totals
    this.#events?.tell({ bytes, total, files, done })
  }

  protected own(_name: string): Progress | undefined {
    return undefined
  }

  protected abstract refresh(): void
}

import { SingleBar } from 'cli-progress'
import { type BarTexts, barLine } from './bar-line.js'
import { type Console, printable } from './console.js'
import type { Messages } from './messages.js'
import { Speedometer, formatBytes, formatSeconds } from './speed.js'

/** Shows how far one step (hashing, sending) is. Between start and stop nothing else may print. */
export interface Progress {
  start(step: Step, done: number): void
  update(done: number): void
  stop(): void
}

export interface Step {
  kind: 'hashing' | 'uploading' | 'waiting' | 'getting'
  /** The file's name. */
  name: string
  /** Bytes; undefined where nobody knows yet how many there will be. */
  size: number | undefined
  /** What a bar calls the step, where its kind does not say it. */
  label?: string
}

/** @public Percent with two digits. It is 100.00 only when all is done. */
export function percentOf(done: number, size: number): string {
  return (size === 0 ? 100 : Math.floor((done / size) * 10_000) / 100).toFixed(2)
}

const LINE_EVERY_MS = { hashing: 5000, uploading: 1000, waiting: 5000, getting: 1000 } as const

/** Lines for a pipe: at most one a second, and one at the end of what was carried. */
export class ProgressLines implements Progress {
  readonly #console: Console
  readonly #messages: Messages
  readonly #now: () => number
  #step: Step | undefined
  #lastAt = 0

  constructor(console: Console, messages: Messages, now: () => number = () => performance.now()) {
    this.#console = console
    this.#messages = messages
    this.#now = now
  }

  start(step: Step): void {
    this.#step = step
    this.#lastAt = this.#now()
  }

  update(done: number): void {
    const step = this.#step
    if (!step) return
    const { size = Infinity } = step
    const isEnd = step.kind !== 'hashing' && done >= size
    if (!isEnd && this.#now() - this.#lastAt < LINE_EVERY_MS[step.kind]) return
    this.#lastAt = this.#now()
    this.#console.say(this.#line(step, done))
    if (isEnd) this.#step = undefined
  }

  stop(): void {
    this.#step = undefined
  }

  #line({ kind, name, size }: Step, done: number): string {
    const { hashingProgress, uploadingProgress, upload } = this.#messages
    if (size === undefined) return upload.pipeProgress(name, formatBytes(done))
    return (kind === 'hashing' ? hashingProgress : uploadingProgress)(name, percentOf(done, size), done, size)
  }
}

/** A bar with speed and time left for a terminal. It leaves no trace when it stops. */
export class ProgressBar implements Progress {
  readonly #messages: Messages
  readonly #stream: NodeJS.WritableStream
  #step: Step = { kind: 'hashing', name: '', size: 0 }
  #bar: SingleBar | undefined
  #speed = new Speedometer()

  constructor(messages: Messages, stream: NodeJS.WritableStream) {
    this.#messages = messages
    this.#stream = stream
  }

  start(step: Step, done: number): void {
    this.#step = step
    this.#speed = new Speedometer()
    this.#bar = new SingleBar({
      stream: this.#stream,
      format: (_options, { progress, maxWidth }, texts) =>
        barLine(texts as BarTexts, step.size === undefined ? undefined : progress, maxWidth),
      hideCursor: true,
      linewrap: false,
      clearOnComplete: true,
      // An interrupt is the main program's: it stops the bar before it says anything.
      gracefulExit: false,
    })
    this.#bar.start(step.size ?? 0, done, this.#texts(done))
  }

  update(done: number): void {
    this.#speed.add(done)
    this.#bar?.update(done, this.#texts(done))
  }

  stop(): void {
    this.#bar?.stop()
    this.#bar = undefined
  }

  #texts(done: number): BarTexts {
    const { kind, name, size, label } = this.#step
    const { hashingLabel, uploadingLabel, upload, timeLeft } = this.#messages
    const labels = { hashing: hashingLabel, waiting: upload.waitingLabel }
    const own = kind === 'hashing' || kind === 'waiting' ? labels[kind] : uploadingLabel
    const rate = this.#speed.bytesPerSecond
    const speed = rate === undefined ? '' : `${formatBytes(rate)}/s`
    return {
      head: `${label ?? own} ${printable(name)}`,
      numbers:
        size === undefined
          ? [formatBytes(done), speed]
          : [
              `${percentOf(done, size)}%`,
              `${formatBytes(done)}/${formatBytes(size)}`,
              speed,
              rate ? timeLeft(formatSeconds((size - done) / rate)) : '',
            ],
    }
  }
}

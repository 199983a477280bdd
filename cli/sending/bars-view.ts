import { MultiBar, type SingleBar } from 'cli-progress'
import { type Console, printable } from '../console.js'
import type { Messages } from '../messages.js'
import { type Progress, type Step, percentOf } from '../progress.js'
import { Speedometer, formatBytes, formatSeconds } from '../speed.js'
import type { ProgressEvents } from './progress-events.js'
import { Counting, type View } from './view.js'

const EVERY_MS = 100

/** For a terminal: a bar for all files together and one for each bigger file that is under way. */
export class BarsView extends Counting implements View {
  readonly console: Console
  readonly #messages: Messages
  readonly #bars: MultiBar
  readonly #total: SingleBar
  readonly #isSameScreen: boolean
  #shownAt = -Infinity
  #isStopped = false

  /** `isSameScreen`: results go to the same terminal, and so above the bars. */
  constructor(
    messages: Messages,
    stream: NodeJS.WritableStream,
    isSameScreen: boolean,
    events: ProgressEvents | undefined,
  ) {
    super(events)
    this.#messages = messages
    this.#isSameScreen = isSameScreen
    this.#bars = new MultiBar({
      stream,
      format: '{label} {name} [{bar}] {percent}% {done}/{all} {speed} {left}',
      barCompleteChar: '#',
      barIncompleteChar: '-',
      barsize: 20,
      hideCursor: true,
      linewrap: false,
      clearOnComplete: true,
      gracefulExit: false,
      emptyOnZero: true,
      autopadding: true,
    })
    const format = '[{bar}] {percent}% {done}/{all} {files} {speed} {left}'
    this.#total = this.#bars.create(1, 0, this.totals.texts(messages), { format })
    const line = (text: string): void => {
      if (this.#isStopped) stream.write(`${printable(text)}\n`)
      else this.#log(text)
    }
    this.console = { say: line, warn: line }
  }

  print(write: () => void, line: string): void {
    if (this.#isSameScreen && !this.#isStopped) this.#log(line)
    else write()
  }

  stop(): void {
    this.#isStopped = true
    this.#bars.stop()
  }

  /** Above the bars. */
  #log(line: string): void {
    this.#bars.log(`${printable(line)}\n`)
    this.#bars.update()
  }

  protected override own(name: string): Progress {
    return new OwnBar(this.#bars, name, this.#messages)
  }

  protected refresh(): void {
    const now = performance.now()
    if (now - this.#shownAt < EVERY_MS) return
    this.#shownAt = now
    this.#total.setTotal(Math.max(1, this.totals.bytes))
    this.#total.update(this.totals.reached, this.totals.texts(this.#messages))
  }
}

/** One file's bar among the others; it is there while a step is under way. */
class OwnBar implements Progress {
  #bar: SingleBar | undefined
  #step: Step | undefined
  #speed = new Speedometer()
  #shownAt = -Infinity

  constructor(
    readonly bars: MultiBar,
    readonly name: string,
    readonly messages: Messages,
  ) {}

  start(step: Step, done: number): void {
    this.stop()
    this.#step = step
    this.#speed = new Speedometer()
    this.#bar = this.bars.create(Math.max(1, step.size), done, this.#texts(done))
  }

  update(done: number): void {
    this.#speed.add(done)
    const now = performance.now()
    if (now - this.#shownAt < EVERY_MS) return
    this.#shownAt = now
    this.#bar?.update(done, this.#texts(done))
  }

  stop(): void {
    if (this.#bar) this.bars.remove(this.#bar)
    this.#bar = undefined
  }

  #texts(done: number): Record<string, string> {
    const { hashingLabel, uploadingLabel, upload, timeLeft } = this.messages
    const { kind = 'uploading', size = 0 } = this.#step ?? {}
    const labels: Partial<Record<Step['kind'], string>> = {
      hashing: hashingLabel,
      waiting: upload.waitingLabel,
    }
    const rate = this.#speed.bytesPerSecond
    return {
      label: labels[kind] ?? uploadingLabel,
      name: shortened(printable(this.name)),
      percent: percentOf(done, size),
      done: formatBytes(done),
      all: formatBytes(size),
      speed: rate === undefined ? '' : `${formatBytes(rate)}/s`,
      left: rate ? timeLeft(formatSeconds((size - done) / rate)) : '',
    }
  }
}

/** A long name's beginning and end. */
function shortened(name: string): string {
  const letters = Array.from(name)
  return letters.length <= 28 ? name : `${letters.slice(0, 12).join('')}…${letters.slice(-15).join('')}`
}

import { MultiBar, type SingleBar } from 'cli-progress'
import { type BarTexts, barLine, barRow } from '../bar-line.js'
import { padded, widthOf } from '../columns.js'
import { type Console, printable } from '../console.js'
import type { Messages } from '../messages.js'
import { type Progress, type Step, percentOf } from '../progress.js'
import { Speedometer, formatBytes } from '../speed.js'
import type { ProgressEvents } from './progress-events.js'
import { Counting, type View } from './view.js'

const EVERY_MS = 100
/** Bars must not wrap, but what is written above them may: nothing of it is to be lost. */
const [CLEAR_BELOW, WRAP, NO_WRAP] = ['\u001B[J', '\u001B[?7h', '\u001B[?7l']

/** For a terminal: a bar for all files together and one for each bigger file that is under way. */
export class BarsView extends Counting implements View {
  readonly console: Console
  readonly #messages: Messages
  readonly #bars: MultiBar
  readonly #total: SingleBar
  readonly #isSameScreen: boolean
  readonly #shown: Shown
  #shownAt = -Infinity
  #isStopped = false

  /** `isSameScreen`: results go to the same terminal, and so above the bars. */
  constructor(
    messages: Messages,
    stream: NodeJS.WriteStream,
    isSameScreen: boolean,
    events: ProgressEvents | undefined,
  ) {
    super(events)
    this.#shown = { bars: new Set(), most: () => (stream.rows || 24) - 3 }
    this.#messages = messages
    this.#isSameScreen = isSameScreen
    this.#bars = new MultiBar({
      stream,
      format: (_options, { progress, maxWidth }, texts) => barRow(texts as BarTexts, progress, maxWidth),
      hideCursor: true,
      linewrap: false,
      clearOnComplete: true,
      gracefulExit: false,
      // When a line is added above or a bar goes, the others move, and are to be drawn even if they say the same.
      forceRedraw: true,
    })
    this.#total = this.#bars.create(1, 0, this.#texts(), {
      format: (_options, { progress, maxWidth }, texts) => barLine(texts as BarTexts, progress, maxWidth),
    })
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
    this.#bars.log(`${CLEAR_BELOW}${WRAP}${printable(line)}${NO_WRAP}\n`)
    this.#bars.update()
  }

  #texts(): BarTexts {
    const { percent, done, all, files, speed, left } = this.totals.texts(this.#messages)
    return { head: '', numbers: [`${percent}%`, `${done}/${all}`, files, speed, left] }
  }

  protected override own(name: string): Progress {
    return new OwnBar(this.#bars, this.#shown, name, this.#messages)
  }

  protected refresh(): void {
    const now = performance.now()
    if (now - this.#shownAt < EVERY_MS) return
    this.#shownAt = now
    this.#total.setTotal(Math.max(1, this.totals.all))
    this.#total.update(this.totals.reached, this.#texts())
  }
}

/** The files that have a bar, and how many the screen has room for: what has scrolled away can't be drawn over. */
interface Shown {
  bars: Set<OwnBar>
  most: () => number
}

/** One file's bar among the others; it is there while a step is under way. */
class OwnBar implements Progress {
  #bar: SingleBar | undefined
  #step: Step | undefined
  #speed = new Speedometer()
  #shownAt = -Infinity

  constructor(
    readonly bars: MultiBar,
    readonly shown: Shown,
    readonly name: string,
    readonly messages: Messages,
  ) {}

  start(step: Step, done: number): void {
    this.stop()
    this.#step = step
    this.#speed = new Speedometer()
    if (this.shown.bars.size >= this.shown.most()) return
    this.shown.bars.add(this)
    this.#bar = this.bars.create(Math.max(1, step.size ?? 0), done, this.#texts(done))
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
    this.shown.bars.delete(this)
  }

  #texts(done: number): BarTexts {
    const { hashingLabel, uploadingLabel, upload } = this.messages
    const { kind = 'uploading', size = 0 } = this.#step ?? {}
    const labels: Partial<Record<Step['kind'], string>> = {
      hashing: hashingLabel,
      waiting: upload.waitingLabel,
    }
    const widest = Math.max(...[hashingLabel, uploadingLabel, upload.waitingLabel].map(widthOf))
    const rate = this.#speed.bytesPerSecond
    const speed = rate === undefined ? '' : `${formatBytes(rate)}/s`
    return {
      head: `${padded(labels[kind] ?? uploadingLabel, widest)} ${printable(this.name)}`,
      numbers: [
        `${percentOf(done, size)}%`.padStart(7),
        formatBytes(size).padStart(10),
        speed.padStart('1023.9 KiB/s'.length),
      ],
    }
  }
}

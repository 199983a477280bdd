import type { Console } from '../console.js'
import type { Messages } from '../messages.js'
import type { ProgressEvents } from './progress-events.js'
import { Counting, type View } from './view.js'

const LINE_EVERY_MS = 5000

/** For a pipe or a log: a line now and then. */
export class LinesView extends Counting implements View {
  readonly console: Console
  readonly #messages: Messages
  readonly #isQuiet: boolean
  #shownAt = performance.now()

  constructor(console: Console, messages: Messages, isQuiet: boolean, events: ProgressEvents | undefined) {
    super(events)
    this.console = console
    this.#messages = messages
    this.#isQuiet = isQuiet
  }

  print(write: () => void): void {
    write()
  }

  stop(): void {
    this.#shownAt = Infinity
  }

  protected refresh(): void {
    if (this.#isQuiet || performance.now() - this.#shownAt < LINE_EVERY_MS) return
    this.#shownAt = performance.now()
    const { percent, done, all, files, speed, left } = this.totals.texts(this.#messages)
    this.console.say(`[PROGRESS] ${percent}% ${done}/${all} ${files} ${speed} ${left}`.trimEnd())
  }
}

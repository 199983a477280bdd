import { SingleBar } from 'cli-progress'
import { HARMLESS, verifyShelf, verifyUploads, type Finding, type Stock } from '../store/verify.js'
import type { AdminMessages } from './messages.js'
import { duration, EXIT, size, type ExitCode, type Terminal } from './terminal.js'

export interface VerifyOptions {
  repair: boolean
  /** Bytes per second; 0: as fast as it comes. */
  rate: number
  json: boolean
  /** False beside a running server: then what is found among the uploads is left to its next start. */
  isAlone: boolean
  /** What a repair has mended already, as a start would. */
  before: Finding[]
}

/** `verify`: reads the whole shelf, prints what is not as it should be; returns how that ended. */
export async function verify(
  stock: Stock,
  { repair, rate, json, isAlone, before }: VerifyOptions,
  { terminal, messages }: { terminal: Terminal; messages: AdminMessages },
): Promise<ExitCode> {
  const begun = performance.now()
  const { files, bytes: total } = stock.ledger.read.totals()
  const progress = new Progress(total, terminal, messages)
  const findings: Finding[] = []
  const tell = (finding: Finding): void => {
    findings.push(finding)
    progress.pause(() => terminal.out(json ? JSON.stringify(finding) : line(finding, isAlone, messages)))
  }
  try {
    before.forEach(tell)
    for await (const finding of verifyUploads(stock)) tell(finding)
    const pace = { rate, signal: terminal.signal, onRead: (bytes: number) => progress.read(bytes) }
    for await (const finding of verifyShelf(stock, { repair, pace })) tell(finding)
  } catch (error) {
    if (!terminal.signal.aborted) throw error
    terminal.err(messages.interrupted)
    return EXIT.interrupted
  } finally {
    progress.stop()
  }
  const seconds = Math.round((performance.now() - begun) / 100) / 10
  const left = findings.filter(({ kind, mended }) => !mended && !HARMLESS.has(kind)).length
  const mended = findings.filter(({ mended }) => mended).length
  if (json)
    terminal.out(
      JSON.stringify({ files, bytes: progress.done, seconds, found: findings.length, mended, left }),
    )
  else {
    terminal.err(messages.verified(files, size(progress.done), seconds))
    if (findings.length === 0) terminal.err(messages.allFine)
    if (left > 0 && !repair) terminal.err(messages.tryRepair)
  }
  if (left > 0) return EXIT.wrong
  return mended > 0 ? EXIT.mended : EXIT.fine
}

function line(finding: Finding, isAlone: boolean, messages: AdminMessages): string {
  const { kind, mended } = finding
  const isUploads = kind.startsWith('part-') || kind === 'stray-part'
  const outcome = mended ? messages.mended : isUploads && !isAlone ? messages.serverMends : messages.left
  return `${messages.finding(finding)}${HARMLESS.has(kind) && !mended ? '' : ` - ${outcome}`}`
}

/** A bar on a terminal, nothing elsewhere. */
class Progress {
  done = 0
  readonly #begun = performance.now()
  readonly #bar: SingleBar | undefined

  constructor(
    readonly total: number,
    readonly terminal: Terminal,
    readonly messages: AdminMessages,
  ) {
    if (!terminal.isInteractive || total === 0) return
    this.#bar = new SingleBar({
      format: '[{bar}] {text}',
      barsize: 24,
      hideCursor: true,
      clearOnComplete: true,
    })
    this.#bar.start(total, 0, { text: '' })
  }

  read(bytes: number): void {
    this.done += bytes
    const milliseconds = performance.now() - this.#begun
    const perMillisecond = this.done / Math.max(1, milliseconds)
    const left = duration((this.total - this.done) / perMillisecond)
    const percent = Math.min(100, Math.floor((this.done / this.total) * 100))
    this.#bar?.update(Math.min(this.done, this.total), {
      text: this.messages.reading(percent, size(perMillisecond * 1000), left),
    })
  }

  /** Prints something that the bar may not overwrite. */
  pause(print: () => void): void {
    if (this.#bar) this.terminal.clearLine()
    print()
  }

  stop(): void {
    this.#bar?.stop()
  }
}

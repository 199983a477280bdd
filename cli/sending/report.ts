import type { Found } from '../collect/found.js'
import type { Manifest } from '../collect/manifest.js'
import type { Results } from '../commands/results.js'
import { type ClientError, EXIT_CODES } from '../errors.js'
import { type Messages, describe } from '../messages.js'
import { formatBytes, formatSeconds } from '../speed.js'
import type { Delivered } from './courier.js'
import type { View } from './view.js'

export interface ReportParts {
  results: Results
  view: View
  messages: Messages
  manifest: Manifest | undefined
  isJson: boolean
  /** On a terminal a result says which file it is of. */
  isWatched: boolean
}

export interface Sent {
  relative: string
  shownAs: string
  size: number
}

/** What became of each file, as a line or an object on standard output, in the manifest, and summed up. */
export class Report {
  readonly #parts: ReportParts
  readonly #begun = performance.now()
  readonly #codes = new Set<number>()
  #sum = { stored: 0, known: 0, failed: 0, skipped: 0, bytes: 0 }

  constructor(parts: ReportParts) {
    this.#parts = parts
  }

  async delivered({ relative, shownAs, size }: Sent, { status, md5, sha256, url }: Delivered): Promise<void> {
    this.#sum[status]++
    if (status === 'stored') this.#sum.bytes += size
    const { isWatched, manifest } = this.#parts
    this.#result(isWatched ? `${url}  ${shownAs}` : url, {
      event: 'result',
      path: relative,
      size,
      md5,
      ...(sha256 && { sha256 }),
      url,
      status,
    })
    await manifest?.add({ path: relative, size, md5, url })
  }

  /** What a dry run has found out. */
  looked(line: string, facts: object): void {
    this.#result(line, { event: 'would', ...facts })
  }

  skipped({ shownAs, why }: Found & { kind: 'skipped' }): void {
    this.#sum.skipped++
    const { view, messages } = this.#parts
    view.console.say(messages.upload.skipped[why](shownAs))
  }

  failed(shownAs: string, error: ClientError): void {
    this.#sum.failed++
    this.#codes.add(EXIT_CODES[error.code])
    const { view, messages, isJson } = this.#parts
    const problem = describe(error, messages)
    const isNamed = problem.includes(shownAs)
    view.console.warn(messages.error(isNamed ? problem : messages.upload.about(shownAs, problem)))
    if (isJson) this.#result('', { event: 'problem', path: shownAs, code: error.code, message: problem })
  }

  /** The run ends before its time, and whoever runs it says why; programs get that here, and what became of the rest. */
  brokenOff(error: ClientError): void {
    const { messages, isJson } = this.#parts
    if (!isJson) return
    this.#result('', { event: 'problem', code: error.code, message: describe(error, messages) })
    this.end(false)
  }

  /** The last line of many, and the exit code: that of all failures where they agree. */
  end(isMany: boolean): number {
    const { view, messages, isJson } = this.#parts
    const seconds = (performance.now() - this.#begun) / 1000
    const { stored, known, failed, skipped, bytes } = this.#sum
    view.stop()
    if (isJson) {
      const rounded = Math.round(seconds * 1000) / 1000
      this.#result('', { event: 'summary', stored, known, failed, skipped, bytes, seconds: rounded })
    } else if (isMany && stored + known + failed > 1) {
      const sent = formatBytes(bytes)
      const facts = { stored, known, failed, sent, seconds: formatSeconds(seconds) }
      view.console.say(messages.upload.summary(facts))
    }
    const [code = 0] = this.#codes
    return this.#codes.size > 1 ? 1 : code
  }

  #result(line: string, object: object): void {
    const { results, view } = this.#parts
    view.print(() => results.add(line, object), line)
  }
}

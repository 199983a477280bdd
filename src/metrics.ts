import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client'
import type { Intake } from './intake/intake.js'
import type { Ending, Observer } from './intake/observer.js'

const SECONDS = [0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30]

/** What is counted and measured, in Prometheus' terms; docs/operations.md says what each figure means. */
export class Metrics implements Observer {
  readonly registry = new Registry()
  readonly #uploads = this.#counter('ferry_uploads_total', 'Uploads that have ended', ['door', 'outcome'])
  readonly #received = this.#counter('ferry_received_bytes_total', 'Bytes of uploads written', ['door'])
  readonly #sent = this.#counter('ferry_sent_bytes_total', 'Bytes sent to clients, headers included')
  readonly #errors = this.#counter('ferry_errors_total', 'Requests that ended in an error', ['code'])
  readonly #sweeps = this.#counter('ferry_sweeps_total', 'Times that idle uploads were looked for')
  readonly #scrubbed = this.#counter('ferry_scrubbed_files_total', 'Files read again', ['result'])
  readonly #scrubbedBytes = this.#counter('ferry_scrubbed_bytes_total', 'Bytes read again')
  readonly #checkpoints = this.#histogram('ferry_checkpoint_seconds', 'From the sync to the ledger’s commit')
  readonly #finishes = this.#histogram('ferry_finish_seconds', 'From the last byte to the shelf')

  constructor() {
    collectDefaultMetrics({ register: this.registry })
  }

  /** Adds the figures that are read from the intake and its stores when somebody asks for them. */
  watch(intake: Intake): void {
    const { shelf, inbox, ledger } = intake.stores
    this.#gauge('ferry_uploads_open', 'Uploads that can go on', () => [...intake.arrivals()].length)
    this.#gauge('ferry_uploads_live', 'Uploads whose last byte is younger than a lease', () => intake.live())
    this.#gauge('ferry_follower_lag_bytes', 'Farthest that hashing is behind writing', () => intake.lag())
    this.#gauge('ferry_shelf_files', 'Contents on the shelf', () => ledger.read.totals().files)
    this.#gauge('ferry_shelf_bytes', 'Their bytes, as far as known', () => ledger.read.totals().bytes)
    this.#gauge('ferry_quarantined_files', 'Files set aside', () => shelf.quarantined())
    this.#gauge('ferry_disk_free_bytes', 'Bytes that may still be written', () => inbox.free())
    this.#gauge('ferry_disk_reserved_bytes', 'Bytes that open uploads have yet to send', () =>
      intake.room.reserved(),
    )
  }

  ended(door: string, outcome: Ending): void {
    this.#uploads.inc({ door, outcome })
  }

  received(door: string, bytes: number): void {
    this.#received.inc({ door }, bytes)
  }

  checkpointed(seconds: number): void {
    this.#checkpoints.observe(seconds)
  }

  finished(seconds: number): void {
    this.#finishes.observe(seconds)
  }

  sent(bytes: number): void {
    this.#sent.inc(bytes)
  }

  failed(code: string): void {
    this.#errors.inc({ code })
  }

  swept(): void {
    this.#sweeps.inc()
  }

  scrubbed(result: string, bytes: number): void {
    this.#scrubbed.inc({ result })
    this.#scrubbedBytes.inc(bytes)
  }

  #counter(name: string, help: string, labelNames: string[] = []): Counter {
    return new Counter({ name, help, labelNames, registers: [this.registry] })
  }

  #histogram(name: string, help: string): Histogram {
    return new Histogram({ name, help, buckets: SECONDS, registers: [this.registry] })
  }

  #gauge(name: string, help: string, read: () => number | Promise<number>): void {
    const collect = async function (this: Gauge): Promise<void> {
      this.set(await read())
    }
    new Gauge({ name, help, registers: [this.registry], collect }) // oxlint-disable-line no-new
  }
}

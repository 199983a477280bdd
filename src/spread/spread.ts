import { Chart } from './chart.js'
import type { Flight } from './flights.js'
import { Pace } from './pace.js'
import type { Range } from './ranges.js'
import type { Found } from './worth.js'

/** A stretch takes a connection about so many seconds: few requests, and none of them is worth much. */
const STRETCH_S = 2
/** Bytes in a stretch, at least and at most. */
const LEAST = 128 * 1024
const MOST = 4 * 1024 * 1024
const SECOND = 1000
/** A connection on which nothing has moved for so long, in milliseconds, is given up for another. */
export const SILENCE = 15_000
/** So many failures for each connection, without a success between them, are the line's and not one connection's. */
const MOST_FAILURES = 2
/** Milliseconds until it is tried again where nothing has moved. */
const AGAIN = 300

/** One server, and an upload on it that is ours. Errors are the implementation's own. */
export interface Line {
  /** What of the upload is on the server's disk, in any order. */
  stand(signal: AbortSignal): Promise<Range[]>
  /**
   * Sends a stretch of the file to its place in the upload, in one request. `onSent` hears how many of its bytes have gone
   * out. Resolves with how many of them are on the server's disk.
   */
  put(stretch: Range, signal: AbortSignal, onSent: (bytes: number) => void): Promise<number>
  /** In how many milliseconds to try again after an error; undefined where that is of no use. */
  patience(error: unknown): number | undefined
  /** Nothing has moved for long: no idle connection may serve again, it may be as dead. */
  renew(): void
}

export interface SpreadOrder {
  line: Line
  /** Bytes of the file. */
  size: number
  /** How many connections: always so many, or at first, and then what helps. */
  connections: number
  isFixed: boolean
  /** Never more than so many are tried. */
  ceiling?: number
  /** No more than so many for now: others may need some. */
  most?: () => number
  /** What one connection was like, where that is known. */
  alone?: Found | undefined
  /** Bytes in one request, at most. */
  largest: number
  /** Resolves when the file's last bytes may go; rejects with the signal's reason. */
  mayEnd: (signal: AbortSignal) => Promise<void>
  signal: AbortSignal
  onBegin: (bytes: number) => void
  /** The server has so many bytes in all. */
  onConfirmed: (bytes: number) => void
  /** So many are there or on their way. */
  onProgress: (bytes: number) => void
}

/** Another connection takes the rest of a stretch over. */
class Overtaken extends Error {}

/** Nothing moves on a connection, or nothing of what it has carried is there. */
export class Stalled extends Error {}

/**
 * Sends what the server lacks of a file over several connections: short stretches in the file's order, and shorter ones
 * towards its end, so that nobody waits for the slowest. What the server has is asked again after every failure, so
 * nothing is sent twice but what was on its way. The same for the command line and for the page.
 */
export class Spread {
  readonly #order: SpreadOrder
  readonly #chart: Chart
  readonly #pace: Pace
  /** What the server had when it was last looked, in bytes, and when, in monotonic milliseconds. */
  #seen = { bytes: 0, at: 0 }
  /** Bytes that a connection brings in a second. */
  #perConnection: number
  #lanes = 0
  #failures = 0
  #failure: { reason: unknown } | undefined
  /** Ends all pauses. */
  readonly #over = new AbortController()
  #wake: () => void = () => undefined

  constructor(order: SpreadOrder) {
    this.#order = order
    const { line, size, signal, connections, ceiling, alone } = order
    this.#chart = new Chart(size, (over) => line.stand(over), signal)
    this.#pace = new Pace(connections, ceiling, alone)
    this.#perConnection = alone?.bytesPerSecond ?? LEAST
  }

  /** How many connections have turned out to be right. */
  get wanted(): number {
    return this.#pace.wanted
  }

  /** Resolves when the server has all of the file. Throws the line's errors, `Stalled`, or the signal's reason. */
  async run(): Promise<void> {
    const { signal, onBegin } = this.#order
    await this.#chart.look()
    this.#seen = { bytes: this.#chart.there, at: performance.now() }
    onBegin(this.#chart.there)
    const watch = setInterval(() => void this.#second(), SECOND)
    const leave = (): void => this.#fail(signal.reason)
    signal.addEventListener('abort', leave)
    if (signal.aborted) leave()
    try {
      this.#open()
      while (this.#lanes > 0) await new Promise<void>((resolve) => (this.#wake = resolve))
    } finally {
      clearInterval(watch)
      signal.removeEventListener('abort', leave)
    }
    if (this.#failure) throw this.#failure.reason
  }

  /** As many lanes as are wanted, if there is anything to do for them. */
  #open(): void {
    while (!this.#failure && this.#lanes < this.#most && this.#hasWork) {
      this.#lanes += 1
      void this.#lane().then(() => this.#wake())
    }
  }

  get #most(): number {
    return Math.min(this.#pace.wanted, this.#order.most?.() ?? Infinity)
  }

  get #hasWork(): boolean {
    return this.#chart.left > 0 || this.#latest !== undefined
  }

  /** Never rejects. Whoever leaves is counted off in the same step, or those who come back together would all leave. */
  async #lane(): Promise<void> {
    while (!this.#failure && this.#lanes <= this.#most) {
      const flight = this.#chart.take(this.#stretchSize)
      if (flight) await this.#send(flight)
      else if (!(await this.#overtake())) break
    }
    this.#lanes -= 1
  }

  get #latest(): Flight | undefined {
    return this.#chart.flights.latest(performance.now(), this.#perConnection)
  }

  get #stretchSize(): number {
    const share = this.#chart.left / (2 * this.#pace.wanted)
    const size = Math.max(LEAST, Math.min(MOST, share, this.#perConnection * STRETCH_S))
    return Math.max(1, Math.floor(Math.min(size, this.#order.largest)))
  }

  /** Ends the slowest one, so that its rest can go out over this connection; false where there is none so slow. */
  async #overtake(): Promise<boolean> {
    const latest = this.#latest
    if (!latest) return false
    this.#chart.flights.end(latest)
    latest.over.abort(new Overtaken())
    await this.#tryLook()
    return true
  }

  async #send(flight: Flight): Promise<void> {
    const { line, size, mayEnd, signal, onConfirmed } = this.#order
    const { stretch, over } = flight
    const either = AbortSignal.any([signal, over.signal])
    try {
      if (stretch.end === size) await mayEnd(either)
      flight.begun = flight.movedAt = performance.now()
      const told = await line.put(stretch, either, (bytes) => this.#sent(flight, bytes))
      this.#chart.flights.end(flight)
      // As a failure: to send it again and again at once helps nobody.
      if (told <= 0) throw new Stalled()
      this.#failures = 0
      const isWhole = this.#chart.land(flight, told)
      onConfirmed(this.#chart.there)
      // The server has let go before the end: what it has not taken is missing.
      if (!isWhole) await this.#tryLook()
    } catch (error) {
      this.#chart.flights.end(flight)
      const reason: unknown = over.signal.aborted ? over.signal.reason : error
      if (!(reason instanceof Overtaken)) await this.#mend(reason)
    }
  }

  #sent(flight: Flight, bytes: number): void {
    if (bytes > flight.sent) {
      flight.sent = bytes
      flight.movedAt = performance.now()
    }
    this.#order.onProgress(this.#chart.shown)
  }

  /** What can be done about an error: to look what is there after a while, or to give up. */
  async #mend(error: unknown): Promise<void> {
    if (this.#failure) return
    const { line } = this.#order
    const isStalled = error instanceof Stalled
    if (isStalled) line.renew()
    const wait = isStalled ? AGAIN : line.patience(error)
    this.#failures += 1
    const isLine = this.#failures > MOST_FAILURES * this.#pace.wanted
    if (wait === undefined || isLine) return this.#fail(error)
    await this.#pause(wait)
    await this.#tryLook()
  }

  /** For so many milliseconds, or until there is nothing more to wait for. */
  async #pause(milliseconds: number): Promise<void> {
    const { signal } = this.#over
    let end: () => void = () => undefined
    const timer = setTimeout(() => end(), milliseconds)
    const over = new Promise<void>((resolve) => (end = resolve))
    signal.addEventListener('abort', end, { once: true })
    await over
    clearTimeout(timer)
    signal.removeEventListener('abort', end)
  }

  #fail(reason: unknown): void {
    if (this.#failure) return
    this.#failure = { reason }
    this.#over.abort()
    this.#chart.flights.endAll(reason)
    this.#wake()
  }

  /** Looks what is there; a failure counts like any other. */
  async #tryLook(): Promise<void> {
    if (this.#failure) return
    try {
      await this.#chart.look()
      this.#open()
    } catch (error) {
      await this.#mend(error)
    }
  }

  /** Whoever has been silent for too long is given up, and the server is asked what the last second has brought. */
  async #second(): Promise<void> {
    const silent = this.#chart.flights.silent(performance.now(), SILENCE)
    for (const { over } of silent) over.abort(new Stalled())
    // One that fails tells nothing that the lanes would not be told.
    const hasSeen = await this.#chart.look().then(
      () => true,
      () => false,
    )
    if (this.#failure || this.#lanes === 0) return
    if (hasSeen) this.#measure()
    this.#open()
  }

  /** What we have written says little: the system takes megabytes at once. What the server has by now says it. */
  #measure(): void {
    const now = performance.now()
    const seconds = (now - this.#seen.at) / SECOND
    // Who waited for one look with another has seen it.
    if (seconds < 1 / 2) return
    // Who takes something back has brought nothing when he tells of it again.
    const bytes = Math.max(this.#seen.bytes, this.#chart.there)
    const brought = (bytes - this.#seen.bytes) / seconds
    this.#seen = { bytes, at: now }
    if (brought > 0) this.#failures = 0
    this.#order.onConfirmed(bytes)
    const { left } = this.#chart
    // Who waits, or is the last one and late, does not say what is usual.
    if (left === 0) return
    this.#perConnection = (this.#perConnection + brought / this.#lanes) / 2
    if (this.#order.isFixed || this.#lanes !== this.#pace.wanted) return
    this.#pace.note(brought, left / brought)
  }
}

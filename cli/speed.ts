interface Sample {
  at: number
  bytes: number
}

const WINDOW_MS = 5000

/** Bytes per second over the last seconds. */
export class Speedometer {
  readonly #now: () => number
  #samples: Sample[] = []

  constructor(now: () => number = () => performance.now()) {
    this.#now = now
  }

  add(bytes: number): void {
    const at = this.#now()
    const oldest = this.#samples.findIndex((sample) => sample.at >= at - WINDOW_MS)
    this.#samples = [...(oldest < 0 ? this.#samples.slice(-1) : this.#samples.slice(oldest)), { at, bytes }]
  }

  /** Undefined until there is something to divide. */
  get bytesPerSecond(): number | undefined {
    const first = this.#samples[0]
    const last = this.#samples.at(-1)
    if (!first || !last || last.at - first.at < 200) return undefined
    return Math.max(0, ((last.bytes - first.bytes) * 1000) / (last.at - first.at))
  }
}

const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB']

/** A size for people: `1.5 GiB`. */
export function formatBytes(bytes: number): string {
  const power = Math.min(Math.floor(Math.log2(Math.max(1, bytes)) / 10), UNITS.length - 1)
  const amount = bytes / 1024 ** power
  return `${power === 0 ? Math.round(amount) : amount.toFixed(1)} ${UNITS[power]}`
}

/** A time for people: `2h05m`, `3m20s`, `7s`. */
export function formatSeconds(seconds: number): string {
  const whole = Math.ceil(seconds)
  const [hours, minutes] = [Math.floor(whole / 3600), Math.floor((whole % 3600) / 60)]
  if (hours > 0) return `${hours}h${two(minutes)}m`
  return minutes > 0 ? `${minutes}m${two(whole % 60)}s` : `${whole}s`
}

function two(amount: number): string {
  return `${amount}`.padStart(2, '0')
}

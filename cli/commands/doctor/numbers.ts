/** The middle one, rounded to tenths; undefined of none. */
export function median(values: readonly number[]): number | undefined {
  const middle = values.toSorted((one, other) => one - other)[values.length >> 1]
  return middle === undefined ? undefined : tenths(middle)
}

/** How much a value differs from the one before, on average (RFC 3550's idea of jitter, unsmoothed). */
export function jitter(values: readonly number[]): number {
  const steps = values.slice(1).map((value, at) => Math.abs(value - (values[at] ?? value)))
  return steps.length === 0 ? 0 : tenths(steps.reduce((sum, step) => sum + step, 0) / steps.length)
}

/** Bytes per second. */
export function rateOf(bytes: number, ms: number): number {
  return Math.round((bytes / Math.max(ms, 1)) * 1000)
}

/** Bytes that were under way from one time to another, in milliseconds of one clock. */
export interface Piece {
  begun: number
  ended: number
  bytes: number
}

/** Bytes per second within a span of time. Of a piece that lies partly in it, that part counts. */
export function rateBetween(pieces: readonly Piece[], from: number, until: number): number {
  let sum = 0
  for (const { begun, ended, bytes } of pieces) {
    const within = Math.max(0, Math.min(ended, until) - Math.max(begun, from))
    sum += (bytes * within) / (ended - begun)
  }
  return rateOf(sum, until - from)
}

/** Rounded to tenths. */
export function tenths(value: number): number {
  return Math.round(value * 10) / 10
}

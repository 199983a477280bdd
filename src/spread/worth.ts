/** Bytes a second above which no line is slow. */
export const FAST = 40 * 1024 * 1024
/**
 * What can be in the air at once, in bytes (speed times round trip). Where it is no more, packets are lost, or the line is
 * a thin one. Over a short way, in milliseconds, a lost packet hardly matters.
 */
const LITTLE = 64 * 1024
const SHORT = 10
/** To try other connections costs so many round trips, and so many milliseconds beside. */
const TRIPS = 2
const BESIDE = 100
/** What it may cost, as a share of the time that is left: of a line that loses, and of any other. */
const WORTH = { lossy: 1 / 20, other: 1 / 50 }

/** What a single connection was like. */
export interface Found {
  /** Bytes a second. */
  bytesPerSecond: number
  isLossy: boolean
}

/** What it says of a line that one connection brings so many bytes a second; none say nothing of losses. `tripMs`: a round trip. */
export function foundBy(bytesPerSecond: number, tripMs: number): Found {
  const isLittle = bytesPerSecond > 0 && (bytesPerSecond * tripMs) / 1000 < LITTLE
  return { bytesPerSecond, isLossy: tripMs >= SHORT && isLittle }
}

/** Whether it pays to try others beside it, with so many bytes left. */
export function isWorthTrying({ bytesPerSecond, isLossy }: Found, tripMs: number, left: number): boolean {
  const leftMs = (left / bytesPerSecond) * 1000
  const cost = TRIPS * tripMs + BESIDE
  return cost <= leftMs * (isLossy ? WORTH.lossy : WORTH.other)
}

/** What so many connections brought together. */
export interface Rate {
  connections: number
  bytesPerSecond: number
}

/** How many connections `--connections auto` uses, and why. */
export interface Choice {
  connections: number
  /** `quick`: one is not slow. `full`: one fills the line. `held`: each is held back, so more bring more. */
  reason: 'quick' | 'full' | 'held'
}

/** How many are tried beside one: as few as show whether more help, and as many as are ever used. */
export const COUNTS = [4, 8] as const
/** More connections help where they bring so many times as much as one does. */
const HELP = 1.5
/** Still more have to bring so many times as much as the fewer ones. */
const ADD = 1.2
/** A connection is not slow that brings so many bytes per second. */
const QUICK = 32 * 1024 * 1024
/** Within so many milliseconds a loss is mended before it is felt, if it is one packet of a thousand. */
const NEAR_MS = 10
const FEW = 0.001

/** How many times as much the best of several connections brought as one did; undefined where that is not known. */
export function gainOf(rates: readonly Rate[]): number | undefined {
  const [one, ...several] = rates.map((rate) => rate.bytesPerSecond)
  return one && several.length > 0 ? Math.max(...several) / one : undefined
}

/** Whether several connections bring clearly more than one. */
export function doesHelp(rates: readonly Rate[]): boolean {
  return (gainOf(rates) ?? 0) >= HELP
}

/**
 * What the upload would settle on: it begins with one connection, and adds others only where that one is slow and they help.
 * `answerMs`: what a small request takes. `loss`: the share of the bytes that went out twice, where it is known.
 */
export function choose(rates: readonly Rate[], answerMs: number, loss: number | undefined): Choice {
  const isNear = answerMs < NEAR_MS && loss !== undefined && loss < FEW
  if (isNear || (rates[0]?.bytesPerSecond ?? 0) >= QUICK) return { connections: 1, reason: 'quick' }
  if (!doesHelp(rates)) return { connections: 1, reason: 'full' }
  const best = rates.reduce((best, rate) => (rate.bytesPerSecond >= ADD * best.bytesPerSecond ? rate : best))
  return { connections: best.connections, reason: 'held' }
}

export type TimeLeft = 'almost' | { unit: 'minutes' | 'hours' | 'days'; amount: number }

/** Seconds as one calm figure: the further away the end, the rounder, so that it doesn't flicker. */
export function timeLeft(seconds: number): TimeLeft {
  if (seconds < 55) return 'almost'
  const minutes = seconds / 60
  if (minutes < 10) return { unit: 'minutes', amount: Math.ceil(minutes) }
  if (minutes < 87) return { unit: 'minutes', amount: roundTo(5, minutes) }
  const hours = minutes / 60
  if (hours < 47) return { unit: 'hours', amount: roundTo(hours < 10 ? 0.5 : 1, hours) }
  return { unit: 'days', amount: roundTo(1, hours / 24) }
}

function roundTo(step: number, amount: number): number {
  return Math.round(amount / step) * step
}

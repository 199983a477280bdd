const MINUTE = 60_000
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR

/** How long ago, in the largest unit that fits; undefined where a date says more. Both in milliseconds. */
export function ago(
  at: number,
  now: number,
): { unit: 'second' | 'minute' | 'hour' | 'day'; amount: number } | undefined {
  const passed = Math.max(0, now - at)
  if (passed < MINUTE) return { unit: 'second', amount: 0 }
  if (passed < HOUR) return { unit: 'minute', amount: Math.floor(passed / MINUTE) }
  if (passed < DAY) return { unit: 'hour', amount: Math.floor(passed / HOUR) }
  return passed < 7 * DAY ? { unit: 'day', amount: Math.floor(passed / DAY) } : undefined
}

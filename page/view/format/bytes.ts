const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'] as const

export type ByteUnit = (typeof UNITS)[number]

/** The unit in which so many bytes read well: the largest that leaves at least one of it. */
export function unitOf(bytes: number): ByteUnit {
  const power = Math.floor(Math.log2(Math.max(1, bytes)) / 10)
  return UNITS[Math.min(power, UNITS.length - 1)]!
}

/** An amount in that unit, cut (never rounded up) to what is worth reading: 1.4, 12.3, 523. */
export function inUnit(bytes: number, unit: ByteUnit): number {
  const amount = bytes / 1024 ** UNITS.indexOf(unit)
  const scale = amount < 100 && unit !== 'B' ? 10 : 1
  return Math.floor(amount * scale) / scale
}

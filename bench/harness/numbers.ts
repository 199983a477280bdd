export function median(numbers: readonly number[]): number {
  const sorted = numbers.toSorted((a, b) => a - b)
  const middle = Math.floor(sorted.length / 2)
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2
}

/** Of each pair, the first by the second. */
export function ratios(first: readonly number[], second: readonly number[]): number[] {
  return first.map((number, index) => number / second[index]!)
}

/** `1GiB`, `64MiB` or plain bytes; undefined where it is none of them. */
export function parseSize(text: string): number | undefined {
  const [, digits, unit = 'B'] = /^(\d+)(B|KiB|MiB|GiB)?$/.exec(text) ?? []
  return digits === undefined ? undefined : Number(digits) * 1024 ** ['B', 'KiB', 'MiB', 'GiB'].indexOf(unit)
}

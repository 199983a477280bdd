import { padded, shortened, widthOf } from './columns.js'

const [NARROWEST, WIDEST] = [8, 24]
/** Where several lines stand below each other, names have a column of at most this width. */
const WIDEST_NAME = 48

/** Around a bar: what is done and to what, and the numbers. Empty ones are left out. */
export interface BarTexts {
  head: string
  numbers: readonly string[]
}

/**
 * A line that is shorter than the terminal is wide, as one that wraps could not be drawn over: name and bar give way to
 * the numbers. `progress` is from 0 to 1; undefined, and no bar, where nobody knows the end.
 */
export function barLine({ head, numbers }: BarTexts, progress: number | undefined, columns: number): string {
  const end = numbers.filter(Boolean).join(' ')
  const room = columns - 1 - widthOf(end) - 1
  const size = Math.min(WIDEST, Math.max(NARROWEST, room - widthOf(head) - 3))
  const middle = progress === undefined ? '' : bar(progress, size)
  const begin = shortened(head, room - (middle ? size + 3 : 0))
  return shortened([begin, middle, end].filter(Boolean).join(' '), columns - 1)
}

/** The same as one of several lines: their names, bars and numbers (of a fixed width) stand below each other. */
export function barRow({ head, numbers }: BarTexts, progress: number, columns: number): string {
  const end = numbers.join('  ')
  const room = columns - 1 - widthOf(end) - 4
  const width = Math.min(WIDEST_NAME, Math.max(0, room - NARROWEST))
  const size = Math.min(WIDEST, Math.max(NARROWEST, room - width))
  const begin = padded(shortened(head, width), width)
  return shortened(`${begin} ${bar(progress, size)} ${end}`, columns - 1)
}

function bar(progress: number, size: number): string {
  const done = Math.round(progress * size)
  return `[${'#'.repeat(done)}${'-'.repeat(size - done)}]`
}

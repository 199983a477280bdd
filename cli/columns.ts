/** Chinese letters, their punctuation, and pictures. */
const WIDE =
  /[\u1100-\u115F\u2E80-\uA4CF\uAC00-\uD7A3\uF900-\uFAFF\uFE30-\uFE4F\uFF00-\uFF60\uFFE0-\uFFE6\u{1F300}-\u{1FAFF}\u{20000}-\u{3FFFD}]/u
/** Accents that stand on the letter before (macOS takes names apart like that), joiners, variation selectors. */
const NO_WIDTH = /\p{Mn}|\p{Me}|[\u200B-\u200F]/u

/** Columns on a terminal: wide letters take two. */
export function widthOf(text: string): number {
  return Array.from(text).reduce((sum, letter) => sum + widthOfLetter(letter), 0)
}

function widthOfLetter(letter: string): number {
  if (NO_WIDTH.test(letter)) return 0
  return WIDE.test(letter) ? 2 : 1
}

/** The text in so many columns at most: a long one keeps its beginning and, with the extension, its end. */
export function shortened(text: string, columns: number): string {
  if (widthOf(text) <= columns) return text
  const end = fitting(Array.from(text).toReversed(), Math.floor((columns - 1) * 0.6))
  const begin = fitting(Array.from(text), columns - 1 - widthOf(end.join('')))
  return columns < 1 ? '' : `${begin.join('')}…${end.toReversed().join('')}`
}

/** The text, and spaces up to so many columns. */
export function padded(text: string, columns: number): string {
  return text + ' '.repeat(Math.max(0, columns - widthOf(text)))
}

/** As many of the first letters as have room. */
function fitting(letters: string[], columns: number): string[] {
  let room = columns
  const end = letters.findIndex((letter) => (room -= widthOfLetter(letter)) < 0)
  return end < 0 ? letters : letters.slice(0, end)
}

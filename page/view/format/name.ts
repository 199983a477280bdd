/** Letters that only turn the direction of what follows: embeddings, overrides, isolates, marks. */
const TURNS = /[\u061C\u200E\u200F\u202A-\u202E\u2066-\u2069]/gu
/** Letters that are written from right to left. */
const RIGHT_TO_LEFT = /[\u0590-\u08FF\uFB1D-\uFDFF\uFE70-\uFEFF\u{10800}-\u{10FFF}\u{1E800}-\u{1EFFF}]/u

/** A file's name for the middle of a sentence: a right-to-left one is isolated, so that it leaves the sentence alone. */
export function isolated(name: string): string {
  const plain = name.replaceAll(TURNS, '')
  return RIGHT_TO_LEFT.test(plain) ? `\u2068${plain}\u2069` : plain
}

/** Letters that only turn the direction of what follows: embeddings, overrides, isolates, marks. */
const TURNS = /[\u061C\u200E\u200F\u202A-\u202E\u2066-\u2069]/gu

/** A file's name for the middle of a sentence: isolated, so that a right-to-left one leaves the sentence alone. */
export function isolated(name: string): string {
  return `\u2068${name.replaceAll(TURNS, '')}\u2069`
}

/** A file name's length in UTF-16 units that is kept; longer ones lose their middle, not their extension. */
const LONGEST = 200

/**
 * The bare name out of what a client sent: no folders (a browser of old sends `C:\\fakepath\\a.mp4`), no characters
 * that control or that turn the direction of what follows, of bounded length. It is shown and kept, and never part of a path.
 */
export function bareName(text: string): string {
  const base = text.slice(Math.max(text.lastIndexOf('/'), text.lastIndexOf('\\')) + 1)
  const clean = base.replace(/[\p{Cc}\p{Bidi_Control}\u2028\u2029]/gu, '').trim()
  const short = clean.length > LONGEST ? `${clean.slice(0, LONGEST - 20)}…${clean.slice(-19)}` : clean
  // Half a character (a cut may leave one) can't be written in UTF-8, so not in a header either.
  return short.replace(/\p{Surrogate}/gu, '').trim()
}

import * as fc from 'fast-check'
import type { Arbitrary } from 'fast-check'

/** A promise about every input that chance can think of. */
export interface Property {
  /** The rest of a sentence that begins with the parser's name. */
  title: string
  /** What a case costs, where one of the others costs 1: so many fewer of them are run. */
  cost: number
  /** Runs so many cases; rejects with seed, path and the smallest case that breaks the promise. */
  run(cases: number, seed: number): Promise<void>
}

/** `holds` throws, or returns false, where the promise is broken. */
export function property<T extends [unknown, ...unknown[]]>(
  title: string,
  inputs: { [K in keyof T]: Arbitrary<T[K]> },
  holds: (...input: T) => boolean | void | Promise<boolean | void>,
): Property {
  return {
    title,
    cost: 1,
    run: async (cases, seed) => {
      const every = fc.asyncProperty(...inputs, async (...input: T) => holds(...input))
      await fc.assert(every, { numRuns: cases, seed })
    },
  }
}

/** The same, of which each case needs a file or a request. */
export function dear(property: Property): Property {
  return { ...property, cost: 10 }
}

/** What people with bad intentions put into texts, apart and among anything else. */
const SPITEFUL = [
  '..',
  '../',
  '..\\',
  '/',
  '\\',
  '\0',
  '\r\n',
  '\u001B[2J',
  '\u009B2J',
  '\u202E',
  '\u2066',
  '\u200F',
  '\u061C',
  '\uFEFF',
  '\uD83D',
  '\u2028',
  'C:',
  'CON',
  'nul.txt',
  '%2e%2e%2f',
  '%00',
  '<script>',
  '"',
  "'",
  '&',
  '`',
  ';',
  '=',
  ',',
  '-',
  '.',
  ' ',
  '  ',
  '__proto__',
  'constructor',
  '0',
  '-1',
  '9007199254740993',
  '1e999',
  'NaN',
  '0x10',
  '长',
  '🎬',
]

/** Texts of any characters, halves of them included, and spiteful ones. */
export function text(maxLength = 80): Arbitrary<string> {
  const anything = fc.string({ unit: fc.nat(0xff_ff).map((unit) => String.fromCharCode(unit)), maxLength })
  const spite = fc.array(fc.oneof(fc.constantFrom(...SPITEFUL), fc.string({ maxLength: 6 })), {
    maxLength: Math.ceil(maxLength / 4),
  })
  return fc.oneof(
    anything,
    fc.string({ maxLength, unit: 'grapheme' }),
    spite.map((parts) => parts.join('')),
  )
}

/** What can stand in a header: visible bytes, spaces and tabs. */
export function headerText(maxLength = 80): Arbitrary<string> {
  return text(maxLength).map((value) => value.replace(/[^\t\u0020-\u007E\u0080-\u00FF]/g, ''))
}

/** Numbers as people and machines write them, wrongly too. */
export function numeral(): Arbitrary<string> {
  const edges = ['', '0', '-0', '-1', '1.5', '+1', ' 1', '1 ', '1e3', '0x10', '٣', 'NaN', 'Infinity']
  const large = ['9007199254740991', '9007199254740992', '9999999999999999', '9'.repeat(400)]
  return fc.oneof(
    fc.nat().map(String),
    fc.bigInt({ min: -(2n ** 70n), max: 2n ** 70n }).map(String),
    fc.double().map(String),
    fc.constantFrom(...edges, ...large),
  )
}

/** Some of these, in any order, with other text between: near to what a parser wants, and not there. */
export function mixture(words: readonly string[], most = 12): Arbitrary<string> {
  const word = fc.oneof({ weight: 4, arbitrary: fc.constantFrom(...words) }, text(8), numeral())
  return fc.array(word, { maxLength: most }).map((parts) => parts.join(''))
}

/** Nothing in a text that a terminal, a page or a reader would be led astray by. */
// oxlint-disable-next-line no-control-regex
export const STEERING = /[\p{Cc}\p{Bidi_Control}\u2028\u2029]/u

/** Whether a text can be written in UTF-8: it has no half characters. */
export function isWhole(given: string): boolean {
  return !/\p{Surrogate}/u.test(given)
}

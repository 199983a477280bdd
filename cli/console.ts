/** Where lines go: what a user asked for to stdout, warnings and errors to stderr. */
export interface Console {
  say(line: string): void
  warn(line: string): void
}

interface Output {
  write(text: string): unknown
}

/** A console that prints nothing but text: file names and servers' words must not steer a terminal. */
export function createConsole(stdout: Output, stderr: Output): Console {
  return {
    say: (line) => void stdout.write(`${printable(line)}\n`),
    warn: (line) => void stderr.write(`${printable(line)}\n`),
  }
}

const STEERING = /[\p{Cc}\p{Bidi_Control}\u2028\u2029]/gu

/** The text without control characters (C0, C1, line separators, marks of direction), line breaks included. */
export function printable(text: string): string {
  return text.replaceAll(STEERING, '')
}

/** JSON that a terminal shows as it is: the same characters, written as escapes. */
export function printableJson(value: object): string {
  return JSON.stringify(value).replaceAll(
    STEERING,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}

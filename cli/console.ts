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

/** The text without control characters (C0, C1, line separators, direction overrides), line breaks included. */
export function printable(text: string): string {
  return text.replaceAll(/[\p{Cc}\u2028\u2029\u202A-\u202E\u2066-\u2069]/gu, '')
}

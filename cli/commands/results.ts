import { printable, printableJson } from '../console.js'

interface Output {
  write(text: string): unknown
}

/** What a command has found out, for people or, with --json, for programs: one line on stdout for each result. */
export interface Results {
  /** `line` is printed without control characters, `object` in one line, where they are escapes. */
  add(line: string, object: object): void
}

/** Results that go to `stdout`. */
export function createResults(stdout: Output, isJson: boolean): Results {
  return {
    add: (line, object) => void stdout.write(`${isJson ? printableJson(object) : printable(line)}\n`),
  }
}

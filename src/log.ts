export type Level = 'INFO' | 'WARN' | 'ERROR'

/**
 * Lines for the operator: `[INFO] …`, or one JSON object each. Text from outside is escaped, so a line stays one, and
 * no part's full name stands in them: who knows it can go on with the upload.
 */
export interface Log {
  info(message: string, fields?: Record<string, unknown>): void
  warn(message: string, fields?: Record<string, unknown>): void
  error(message: string, cause?: unknown): void
}

/** A log that writes whole lines through `out` (normal) and `err` (errors). */
export function createLog(
  format: 'text' | 'json',
  out: (line: string) => void,
  err: (line: string) => void,
): Log {
  const line = (level: Level, message: string, fields: Record<string, unknown> = {}): string =>
    format === 'json'
      ? escape(
          JSON.stringify({ time: new Date().toISOString(), level: level.toLowerCase(), message, ...fields }),
        )
      : `[${level}] ${escape(message)}`
  return {
    info: (message, fields) => out(line('INFO', message, fields)),
    warn: (message, fields) => err(line('WARN', message, fields)),
    error: (message, cause) => {
      const reason = describe(cause)
      err(
        format === 'json'
          ? line('ERROR', message, { cause: reason })
          : line('ERROR', reason ? `${message} (${reason})` : message),
      )
    },
  }
}

/** How long lines wait for others, in milliseconds. */
const GATHERING = 20

/**
 * Writes the lines of a moment together: a system call for each costs a busy server more than the line itself. `flush` writes what waits, for the end of the process.
 */
export function inOneGo(write: (lines: string) => void): {
  add: (line: string) => void
  flush: () => void
} {
  let waiting: string[] = []
  const flush = (): void => {
    if (waiting.length > 0) write(waiting.join('\n'))
    waiting = []
  }
  const add = (line: string): void => {
    if (waiting.push(line) === 1) setTimeout(flush, GATHERING)
  }
  return { add, flush }
}

/** Nothing in it to be escaped, nor a part's name: most lines, and quicker to see than the rest. */
const PLAIN = /^(?:(?!tmp_)[\x20-\x7e])*$/

/** An error and its causes in one line. */
function describe(error: unknown): string {
  if (error === undefined) return ''
  if (!(error instanceof Error)) return JSON.stringify(error)
  const cause = error.cause === undefined ? '' : ` <- ${describe(error.cause)}`
  return `${error.message}${cause}`
}

/**
 * Control, bidi and other invisible characters as \u escapes, which JSON reads as the same characters: nobody's file
 * name breaks a line or drives a terminal. Of a part's name only the beginning stays.
 */
function escape(text: string): string {
  if (PLAIN.test(text)) return text
  return text
    .replace(/(tmp_[0-9a-f]{8})[0-9a-f]{24}/g, '$1…')
    .replace(/[\p{Cc}\p{Cf}\u2028\u2029]/gu, (character) =>
      Array.from({ length: character.length }, (_, index) => asEscape(character.charCodeAt(index))).join(''),
    )
}

function asEscape(unit: number): string {
  return `\\u${unit.toString(16).padStart(4, '0')}`
}

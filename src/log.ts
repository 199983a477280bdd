export type Level = 'INFO' | 'WARN' | 'ERROR'

/** Lines for the operator: `[INFO] …`, or one JSON object each. Text from outside is escaped, so a line stays one. */
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
      ? JSON.stringify({ time: new Date().toISOString(), level: level.toLowerCase(), message, ...fields })
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

/** An error and its causes in one line. */
function describe(error: unknown): string {
  if (error === undefined) return ''
  if (!(error instanceof Error)) return JSON.stringify(error)
  const cause = error.cause === undefined ? '' : ` <- ${describe(error.cause)}`
  return `${error.message}${cause}`
}

/** Control and bidi characters as \u escapes: nobody's file name breaks a line or drives a terminal. */
function escape(text: string): string {
  // eslint-disable-next-line no-control-regex
  return text.replace(/[\u0000-\u001f\u007f-\u009f\u200e\u200f\u2028-\u202e\u2066-\u2069]/g, (character) => {
    return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`
  })
}

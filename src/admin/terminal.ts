/** Where a command writes to, and who may interrupt it. */
export interface Terminal {
  /** A line of the answer itself. */
  out(line: string): void
  /** A line about it. */
  err(line: string): void
  /** Wipes the line where a progress bar stands. */
  clearLine(): void
  /** Whether a progress bar makes sense. */
  isInteractive: boolean
  signal: AbortSignal
}

/** Exit codes, in one place. */
export const EXIT = { fine: 0, mended: 1, usage: 2, wrong: 3, failed: 4, interrupted: 130 } as const
export type ExitCode = (typeof EXIT)[keyof typeof EXIT]

/** Rows in columns, the last one ragged. Wide characters count double, as terminals show them. */
export function table(rows: string[][]): string[] {
  const widths = (rows[0] ?? []).map((_, column) => widest(rows, column))
  return rows.map((row) =>
    row
      .map((cell, column) =>
        column === row.length - 1 ? cell : cell + ' '.repeat(widths[column]! - width(cell)),
      )
      .join('  '),
  )
}

/** In a loop, since a call takes only some hundred thousand arguments. */
function widest(rows: string[][], column: number): number {
  let widest = 0
  for (const row of rows) widest = Math.max(widest, width(row[column]!))
  return widest
}

/** Text from outside without control characters or changes of direction. */
export function plain(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\u2028\u2029]/gu, '\uFFFD')
}

function width(text: string): number {
  let columns = 0
  for (const character of text)
    columns +=
      /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]/.test(
        character,
      )
        ? 2
        : 1
  return columns
}

const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB']

/** `1.5 GiB`. */
export function size(bytes: number | undefined): string {
  if (bytes === undefined) return '?'
  const power = bytes < 1 ? 0 : Math.min(UNITS.length - 1, Math.floor(Math.log2(bytes) / 10))
  const value = bytes / 1024 ** power
  return `${power === 0 ? value : value.toFixed(value < 10 ? 2 : 1)} ${UNITS[power]}`
}

/** `2026-11-25 14:03`, in the machine's time zone. */
export function moment(milliseconds: number): string {
  const date = new Date(milliseconds - new Date(milliseconds).getTimezoneOffset() * 60_000)
  return date.toISOString().slice(0, 16).replace('T', ' ')
}

/** `3 h 20 min`, two units at most. */
export function duration(milliseconds: number): string {
  const seconds = Math.max(0, Math.round(milliseconds / 1000))
  const [days, hours, minutes] = [
    Math.floor(seconds / 86_400),
    Math.floor(seconds / 3600) % 24,
    Math.floor(seconds / 60) % 60,
  ]
  if (days > 0) return `${days} d ${hours} h`
  if (hours > 0) return `${hours} h ${minutes} min`
  return minutes > 0 ? `${minutes} min ${seconds % 60} s` : `${seconds} s`
}

import { parse } from 'csv-parse/sync'
import { readFile } from 'node:fs/promises'
import { ClientError, systemCodeOf } from '../errors.js'
import { cleanName } from './name.js'
import type { GetMessages } from './messages.js'

/** One line of a manifest, as it stands there. */
export interface Row {
  /** Where the file belongs, below the output folder. */
  path: string
  url: string
  /** Empty where the manifest does not say it. */
  md5: string
}

const NEEDED = ['path', 'url'] as const

/**
 * Reads a manifest: CSV (RFC 4180), the first line names the columns, in any order and among others. Throws
 * `file-missing`, `file-unreadable`, `bad-manifest`.
 */
export async function readManifest(path: string, shownAs: string, texts: GetMessages): Promise<Row[]> {
  const bad = (reason: string, cause?: unknown) =>
    new ClientError('bad-manifest', { subject: shownAs, reason }, { cause })
  const text = await readFile(path, 'utf8').catch((cause: unknown) => {
    const reason = systemCodeOf(cause) ?? String(cause)
    const code = reason === 'ENOENT' ? 'file-missing' : 'file-unreadable'
    throw new ClientError(code, { subject: shownAs, reason }, { cause })
  })
  let lines: string[][]
  try {
    lines = parse(text, { bom: true, skip_empty_lines: true })
  } catch (error) {
    throw bad(error instanceof Error ? error.message : String(error), error)
  }
  const [header = [], ...rows] = lines
  const columns = header.map((name) => name.trim().toLowerCase())
  const missing = NEEDED.find((name) => !columns.includes(name))
  if (missing) throw bad(texts.noColumn(missing))
  const cell = (row: string[], name: string) => row[columns.indexOf(name)] ?? ''
  return rows.map((row) => ({ path: cell(row, 'path'), url: cell(row, 'url'), md5: cell(row, 'md5') }))
}

/**
 * The segments of a manifest's path. Throws `unsafe-path` where it is absolute, climbs up, names nothing, or (on Windows)
 * can't be a file.
 */
export function segmentsOf(path: string, platform: string): string[] {
  const isAbsolute = /^([/\\]|[a-z]:)/i.test(path)
  // A backslash parts segments on Windows only, but climbs nowhere.
  const climbs = path.split(/[/\\]/).includes('..')
  const segments = path
    .split(platform === 'win32' ? /[/\\]/ : '/')
    .filter((segment) => segment !== '' && segment !== '.')
  const isOdd = platform === 'win32' && segments.some((segment) => !isWindowsName(segment))
  if (isAbsolute || climbs || isOdd || segments.length === 0 || path.includes('\0'))
    throw new ClientError('unsafe-path', { subject: path })
  return segments
}

/** A leading dot is a name's own; else what the cleaning would change is no name there. */
function isWindowsName(segment: string): boolean {
  const bare = segment.replace(/^\.+/, '')
  return cleanName(bare, 'win32') === bare
}

import { parse as parseDisposition } from 'content-disposition'

/**
 * Bytes of UTF-8 in a name that we choose. Most file systems take 255, and the endings of the part's companions
 * have to fit in, too.
 */
export const LONGEST_NAME = 225

/** Windows keeps these for devices, whatever extension follows (CreateFile, "Naming Files, Paths, and Namespaces"). */
const DEVICES = /^(con|prn|aux|nul|conin\$|conout\$|(com|lpt)[0-9¹²³]) *(\.|$)/i
/** Controls, line and paragraph separators, marks of direction, byte order mark, halves of characters. */
const INVISIBLE = /[\p{Cc}\p{Cs}\u2028\u2029\u061C\u200E\u200F\u202A-\u202E\u2066-\u2069\uFEFF]/gu

/**
 * The file name that a server proposes (RFC 6266: `filename*` goes before `filename`), cleaned; undefined where the
 * header names none that is usable.
 */
export function proposedName(disposition: string | undefined, platform: string): string | undefined {
  if (disposition === undefined) return undefined
  const { filename } = parseDisposition(asUtf8(disposition)).parameters
  return cleanName(filename ?? '', platform) || undefined
}

/** Node reads headers as latin1; who writes UTF-8 into them, against the standard, means UTF-8. */
function asUtf8(header: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(Buffer.from(header, 'latin1'))
  } catch {
    return header
  }
}

/**
 * A name that is only a name on `platform`: the last segment of what may look like a path (RFC 6266 4.3), nothing
 * invisible, no leading dots, no device of Windows, of bounded length with its extension. May be empty.
 */
export function cleanName(text: string, platform: string): string {
  const base = text.slice(Math.max(text.lastIndexOf('/'), text.lastIndexOf('\\')) + 1)
  const visible = base
    .replace(INVISIBLE, '')
    .replace(/^[\s.]+/u, '')
    .replace(/(?<![\s.])[\s.]+$/u, '')
  const name = platform === 'win32' ? visible.replace(/[<>:"|?*]/g, '_') : visible
  return shorten(DEVICES.test(name) ? `_${name}` : name, LONGEST_NAME)
}

/** The name with at most so many bytes of UTF-8: it loses the end of its stem, and keeps its extension. */
export function shorten(name: string, bytes: number): string {
  if (Buffer.byteLength(name) <= bytes) return name
  const extension = /\.[^.\s]{1,20}$/u.exec(name)?.[0] ?? ''
  let room = bytes - Buffer.byteLength(extension)
  let stem = ''
  for (const character of name.slice(0, name.length - extension.length)) {
    room -= Buffer.byteLength(character)
    if (room < 0) break
    stem += character
  }
  return stem.trimEnd() + extension
}

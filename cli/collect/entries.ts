import type { Dirent } from 'node:fs'
import { lstat, readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { ClientError, systemCodeOf } from '../errors.js'
import type { Problem } from './found.js'

/** What an entry of a folder is. */
export type Look =
  | { kind: 'file'; size: number; isLink: boolean }
  | { kind: 'folder'; id: string; isLink: boolean }
  | { kind: 'link' | 'not-a-file' }
  | Problem

export type Links = 'skip' | 'follow'

/** A folder's entries in the order of their names' UTF-16 units: the same on every machine and in every language. */
export async function entriesOf(folder: string): Promise<Dirent[]> {
  const entries = await readdir(folder, { withFileTypes: true })
  return entries.sort((a, b) => (a.name < b.name ? -1 : Number(a.name > b.name)))
}

/** Looks at what lies at `path`; never throws a system's error. */
export async function lookAt(path: string, shownAs: string, links: Links): Promise<Look> {
  try {
    let found = await lstat(path, { bigint: true })
    const isLink = found.isSymbolicLink()
    if (isLink && links === 'skip') return { kind: 'link' }
    if (isLink) found = await stat(path, { bigint: true })
    if (found.isFile()) return { kind: 'file', size: Number(found.size), isLink }
    return found.isDirectory()
      ? { kind: 'folder', id: `${found.dev}:${found.ino}`, isLink }
      : { kind: 'not-a-file' }
  } catch (error) {
    return problemOf(error, shownAs)
  }
}

/**
 * The problem behind a system's error; throws any other. A name that is not UTF-8 is read with U+FFFD in the place of
 * what it is, and nothing is found under that name.
 */
export function problemOf(error: unknown, shownAs: string): Problem {
  const reason = systemCodeOf(error)
  if (reason === undefined) throw error
  const isMissing = reason === 'ENOENT' || reason === 'ENOTDIR'
  if (isMissing && shownAs.includes('\uFFFD')) return illegible(shownAs)
  const code = isMissing ? 'file-missing' : 'file-unreadable'
  return { kind: 'problem', error: new ClientError(code, { subject: shownAs, reason }, { cause: error }) }
}

/** A file whose name is not UTF-8. */
export function illegible(shownAs: string): Problem {
  return {
    kind: 'problem',
    error: new ClientError('file-unreadable', { subject: shownAs, reason: 'EILSEQ' }),
  }
}

export function isHidden(name: string): boolean {
  return name.startsWith('.')
}

/** `name` in `folder` for messages: 'a/b' in 'a', and 'b' in what the user did not name. */
export function shownIn(folder: string, name: string): string {
  return folder === '' ? name : join(folder, name)
}

import { lstat } from 'node:fs/promises'
import { join, parse, resolve } from 'node:path'
import { entriesOf, isHidden } from './entries.js'
import { globMatcher } from './filter.js'

interface Place {
  /** The folder that relative names start from. */
  from: string
  /** Wildcards fit names with a dot at the beginning, too. */
  hidden: boolean
}

/**
 * The names that a glob stands for, for shells that leave this to the program: `*`, `?`, `[a-z]`, `{a,b}`, and `**` for
 * any number of folders. In sorted order; a matching folder is named itself. What cannot be read matches nothing.
 * A brace cannot hold a '/'.
 */
export function expandGlob(glob: string, place: Place): AsyncGenerator<string> {
  const text = withSlashes(glob)
  const { root } = parse(text)
  const segments = text
    .slice(root.length)
    .split('/')
    .filter((segment) => segment !== '')
  return expand(root, segments, place)
}

/** True for a name that `expandGlob` would take for more than itself. */
export function isGlob(name: string): boolean {
  return /(?<!\\)[*?[{]/.test(withSlashes(name))
}

async function* expand(base: string, segments: string[], place: Place): AsyncGenerator<string> {
  const [first, ...rest] = segments
  if (first === undefined) {
    if (base !== '') yield base
  } else if (first === '**' && rest.length === 0) {
    // The folder with all that is in it.
    yield* expand(base, base === '' ? ['*'] : [], place)
  } else if (first === '**') {
    yield* expand(base, rest, place)
    const visible = (name: string) => place.hidden || !isHidden(name)
    for await (const child of children(base, visible, place.from, true)) yield* expand(child, segments, place)
  } else {
    const fits = globMatcher(first, { dot: place.hidden, nocase: process.platform === 'win32' })
    const names = isGlob(first)
      ? children(base, fits, place.from, rest.length > 0)
      : literal(join(base, first.replaceAll(/\\(.)/g, '$1')), place.from)
    for await (const name of names) yield* expand(name, rest, place)
  }
}

async function* literal(name: string, from: string): AsyncGenerator<string> {
  const found = await lstat(resolve(from, name)).catch(() => undefined)
  if (found) yield name
}

async function* children(
  base: string,
  fits: (name: string) => boolean,
  from: string,
  areFolders: boolean,
): AsyncGenerator<string> {
  for (const entry of await entriesOf(resolve(from, base)).catch(() => [])) {
    if (fits(entry.name) && (entry.isDirectory() || !areFolders)) yield join(base, entry.name)
  }
}

/** Where a backslash stands between names it takes the meaning from nothing. */
function withSlashes(name: string): string {
  return process.platform === 'win32' ? name.replaceAll('\\', '/') : name
}

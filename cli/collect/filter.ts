import picomatch from 'picomatch/posix.js'

/** `relative` is a path below the named folder, with '/' between names. */
type Matcher = (relative: string, isFolder: boolean) => boolean

/**
 * Which of a folder's files are taken, by the patterns of `--include` and `--exclude`:
 *
 * - A pattern is compared with the path below the folder that the user named; that folder's own name is no part of it.
 * - Without a '/' it means a name at any depth: `*.tmp`, `node_modules`. With a '/' at its beginning or inside it means
 *   the path from the named folder: `/build`, `docs/*.md`. `**` as a name means any number of folders: `docs/**`.
 * - With a '/' at its end it means folders only: `cache/`.
 * - `*` and `?` mean characters of one name (also a first dot: whether hidden files are taken is another question),
 *   `[a-z]` and `[!a-z]` one of some, `{a,b}` one or the other; `\` takes the meaning from the next. Capital and small
 *   letters differ. A '!' or '#' at the beginning means itself.
 * - A pattern that fits a folder fits all that is in it.
 * - What an exclude fits is left out, whatever the includes say; their order means nothing.
 * - If there are includes, what none of them fits is left out.
 *
 * No pattern is asked about a file or folder that the user named by itself.
 */
export class Filter {
  readonly #include: Matcher[]
  readonly #exclude: Matcher[]

  constructor({ include, exclude }: { include: readonly string[]; exclude: readonly string[] }) {
    this.#include = include.map(matcherOf)
    this.#exclude = exclude.map(matcherOf)
  }

  excludes(relative: string, isFolder: boolean): boolean {
    return this.#exclude.some((fits) => fits(relative, isFolder))
  }

  /** True also where there is no include at all. */
  includes(relative: string, isFolder: boolean): boolean {
    return this.#include.length === 0 || this.#include.some((fits) => fits(relative, isFolder))
  }

  /** True if the patterns let a walk come to this path, and take it. */
  takes(relative: string, isFolder: boolean): boolean {
    const names = relative.split('/')
    let isIncluded = isFolder
    for (let depth = 1; depth <= names.length; depth++) {
      const path = names.slice(0, depth).join('/')
      const isAbove = isFolder || depth < names.length
      if (this.excludes(path, isAbove)) return false
      isIncluded ||= this.includes(path, isAbove)
    }
    return isIncluded
  }
}

function matcherOf(pattern: string): Matcher {
  const isForFolders = pattern.endsWith('/')
  const bare = pattern.replace(/\/+$/, '')
  const isAnchored = bare.includes('/')
  const fits = globMatcher(bare.replace(/^\/+/, ''), { dot: true })
  return (relative, isFolder) => {
    if (isForFolders && !isFolder) return false
    return fits(isAnchored ? relative : relative.slice(relative.lastIndexOf('/') + 1))
  }
}

interface GlobManners {
  /** Wildcards fit a dot at the beginning of a name, too. */
  dot: boolean
  nocase?: boolean
}

/** Compares a text with a glob. Round brackets, '|' and '+', which picomatch gives a meaning, are themselves. */
export function globMatcher(glob: string, manners: GlobManners): (text: string) => boolean {
  if (glob === '') return () => false
  const plain = glob.replaceAll(/\\.|[()|+]/gs, (found) => (found.length === 1 ? `\\${found}` : found))
  const others = { nonegate: true, noextglob: true, strictSlashes: true, posix: true }
  return picomatch(plain, { ...manners, ...others })
}

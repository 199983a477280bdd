import { lstat, realpath } from 'node:fs/promises'
import { basename, dirname, isAbsolute, join, normalize, relative, resolve, sep } from 'node:path'
import { ClientError } from '../errors.js'
import { type Links, type Look, isHidden, lookAt, problemOf } from './entries.js'
import { Filter } from './filter.js'
import type { Found } from './found.js'
import { expandGlob, isGlob } from './glob.js'
import { Walk } from './walk.js'

export interface CollectWish {
  /** Absolute: where relative names start from. */
  from: string
  /** Patterns, as `Filter` explains them. */
  include?: readonly string[]
  exclude?: readonly string[]
  /** Bytes; larger ones in folders are skipped. */
  maxSize?: number
  /** Also what has a name with a dot at the beginning. */
  hidden?: boolean
  /** Whether links in folders are followed. */
  links?: Links
}

/**
 * What is to be uploaded where the user named these files, folders and globs, in this order. A name that exists is never
 * a glob. What is named by itself is taken whatever patterns, dots and sizes say, links are followed; but nothing is
 * taken twice because two names lead to it. What is wrong with one thing is a `problem` or `skipped`, and the rest goes
 * on; the system's errors are not thrown. It reads on as it is asked to: a tree of any size takes little memory.
 */
export async function* collect(named: readonly string[], wish: CollectWish): AsyncGenerator<Found> {
  const collection = new Collection(wish)
  for (const name of named) yield* collection.everythingAt(name)
}

class Collection {
  readonly #from: string
  readonly #wish: { filter: Filter; maxSize: number; hidden: boolean; links: Links }
  /** Files that were named by themselves: their absolute paths, in folders without links. */
  readonly #files = new Set<string>()
  /** Folders that were walked. */
  readonly #folders: string[] = []

  constructor({
    from,
    include = [],
    exclude = [],
    maxSize = Infinity,
    hidden = false,
    links = 'skip',
  }: CollectWish) {
    this.#from = from
    this.#wish = { filter: new Filter({ include, exclude }), maxSize, hidden, links }
  }

  async *everythingAt(name: string): AsyncGenerator<Found> {
    const found = await lstat(resolve(this.#from, name)).catch(() => undefined)
    // '' is what an unset variable leaves; it is not the folder we are in.
    if (name !== '' && (found || !isGlob(name))) return yield* this.#take(name)
    let isEmpty = true
    for await (const match of expandGlob(name, { from: this.#from, hidden: this.#wish.hidden })) {
      isEmpty = false
      yield* this.#take(match)
    }
    if (isEmpty) yield { kind: 'problem', error: new ClientError('file-missing', { subject: name }) }
  }

  async *#take(shownAs: string): AsyncGenerator<Found> {
    const path = this.#absolute(shownAs)
    const look = await lookAt(path, shownAs, 'follow')
    try {
      if (look.kind === 'problem') yield look
      else if (look.kind === 'file') yield* this.#takeFile(path, shownAs, look)
      else if (look.kind === 'folder') yield* this.#takeFolder(path, shownAs, look)
      else yield { kind: 'problem', error: new ClientError('not-a-file', { subject: shownAs }) }
    } catch (error) {
      yield problemOf(error, shownAs)
    }
  }

  async *#takeFile(named: string, shownAs: string, look: Look & { kind: 'file' }): AsyncGenerator<Found> {
    const path = join(await realpath(dirname(named)), basename(named))
    if (this.#isTaken(path, look)) return
    this.#files.add(path)
    yield { kind: 'file', path, shownAs, relative: asTyped(shownAs), size: look.size }
  }

  async *#takeFolder(named: string, shownAs: string, look: Look): AsyncGenerator<Found> {
    const path = await realpath(named)
    if (this.#isTaken(path, look)) return
    const isTaken = (path: string, look: Look) => this.#isTaken(path, look)
    yield* new Walk({ path, shownAs, name: basename(resolve(named)) }, { ...this.#wish, isTaken })
    this.#folders.push(path)
  }

  #absolute(name: string): string {
    // Not resolve(): it takes the '/' from the end of 'file/', which is no file.
    return isAbsolute(name) ? name : join(this.#from, name)
  }

  #isTaken(path: string, look: Look): boolean {
    return this.#files.has(path) || this.#folders.some((folder) => this.#wasWalked(folder, path, look))
  }

  /** Whether the walk through `folder` took this, told without a list of all that it took. */
  #wasWalked(folder: string, path: string, look: Look): boolean {
    const below = relative(folder, path)
    if (below === '') return true
    const names = below.split(sep)
    if (names[0] === '..' || isAbsolute(below)) return false
    const { filter, hidden, links, maxSize } = this.#wish
    if (!hidden && names.some(isHidden)) return false
    if (look.kind === 'file' && (look.size > maxSize || (look.isLink && links === 'skip'))) return false
    return filter.takes(names.join('/'), look.kind === 'folder')
  }
}

function asTyped(name: string): string {
  const names = normalize(name).split(sep)
  return isAbsolute(name) || names.includes('..') ? basename(name) : names.join('/')
}

import type { Dirent } from 'node:fs'
import { join } from 'node:path'
import {
  type Links,
  type Look,
  entriesOf,
  illegible,
  isHidden,
  lookAt,
  problemOf,
  shownIn,
} from './entries.js'
import type { Filter } from './filter.js'
import type { Found } from './found.js'

/** A folder that the user named. */
export interface Root {
  /** Absolute, without links. */
  path: string
  shownAs: string
  name: string
}

export interface WalkWish {
  filter: Filter
  /** Bytes; what is larger is skipped. */
  maxSize: number
  /** Also what has a name with a dot at the beginning. */
  hidden: boolean
  links: Links
  /** True for a file or folder that has been taken already. */
  isTaken: (path: string, look: Look) => boolean
}

/** A folder on the way from the root to where the walk is. */
interface Place {
  path: string
  shownAs: string
  /** Below the root; '' for the root. */
  relative: string
  isIncluded: boolean
  id: string
  entries: Dirent[]
  at: number
  /** Entries that were looked at and not dealt with yet. */
  seen: { entry: Dirent; look: Look }[]
}

/** As many as the system is asked about at once. */
const GROUP = 32

/**
 * What is in a folder and below it, depth first, each folder's entries in sorted order. It reads on only as it is asked
 * to, and holds no more than the names in the folders on its way.
 */
export class Walk {
  readonly #wish: WalkWish
  readonly #root: Root
  readonly #way: Place[] = []
  readonly #linked = new Set<string>()

  constructor(root: Root, wish: WalkWish) {
    this.#root = root
    this.#wish = wish
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Found> {
    const { path, shownAs } = this.#root
    const look = await lookAt(path, shownAs, 'follow')
    if (look.kind === 'problem') yield look
    if (look.kind !== 'folder') return
    yield* this.#enter({ path, shownAs, relative: '', isIncluded: false, id: look.id })
    for (let place = this.#way.at(-1); place; place = this.#way.at(-1)) {
      const next = place.seen.shift() ?? (await this.#next(place))
      if (next) yield* this.#judge(place, next.entry, next.look)
      else this.#way.pop()
    }
  }

  async *#enter(place: Omit<Place, 'entries' | 'at' | 'seen'>): AsyncGenerator<Found> {
    try {
      this.#way.push({ ...place, entries: await entriesOf(place.path), at: 0, seen: [] })
    } catch (error) {
      yield problemOf(error, place.shownAs)
    }
  }

  /** Looks at the next entries, not beyond a folder: to walk through that may take hours. */
  async #next(place: Place): Promise<Place['seen'][number] | undefined> {
    const group: (() => Promise<Place['seen'][number]>)[] = []
    while (place.at < place.entries.length && group.length < GROUP) {
      const twin = place.entries[place.at - 1]
      const entry = place.entries[place.at++]!
      if (!this.#isWanted(place, entry)) continue
      const isTwin = entry.name === twin?.name
      group.push(async () => ({ entry, look: await this.#look(place, entry.name, isTwin) }))
      if (entry.isDirectory()) break
    }
    place.seen = await Promise.all(group.map((look) => look()))
    return place.seen.shift()
  }

  /** Of two names that read the same at least one is not UTF-8, and what is found is the other. */
  async #look(place: Place, name: string, isTwin: boolean): Promise<Look> {
    const shownAs = shownIn(place.shownAs, name)
    return isTwin ? illegible(shownAs) : lookAt(join(place.path, name), shownAs, this.#wish.links)
  }

  #isWanted(place: Place, entry: Dirent): boolean {
    if (isHidden(entry.name) && !this.#wish.hidden) return false
    return !this.#wish.filter.excludes(below(place.relative, entry.name), entry.isDirectory())
  }

  async *#judge(place: Place, entry: Dirent, look: Look): AsyncGenerator<Found> {
    const { filter, maxSize, isTaken } = this.#wish
    if (look.kind === 'problem') return yield look
    const path = join(place.path, entry.name)
    const shownAs = shownIn(place.shownAs, entry.name)
    const relative = below(place.relative, entry.name)
    const isFolder = look.kind === 'folder'
    const isIncluded = place.isIncluded || filter.includes(relative, isFolder)
    if (isFolder) {
      // Of a link it was not known yet that it leads to a folder.
      if (isTaken(path, look) || (!entry.isDirectory() && filter.excludes(relative, true))) return
      if (look.isLink && this.#isLoop(look.id)) return yield { kind: 'skipped', shownAs, why: 'loop' }
      return yield* this.#enter({ path, shownAs, relative, isIncluded, id: look.id })
    }
    if (!isIncluded) return
    if (look.kind !== 'file') return yield { kind: 'skipped', shownAs, why: look.kind }
    if (isTaken(path, look)) return
    if (look.size > maxSize) return yield { kind: 'skipped', shownAs, why: 'too-large' }
    yield { kind: 'file', path, shownAs, relative: below(this.#root.name, relative), size: look.size }
  }

  /** Each folder is entered by one link at most: with links to each other's neighbours there is no end otherwise. */
  #isLoop(id: string): boolean {
    if (this.#linked.has(id) || this.#way.some((place) => place.id === id)) return true
    this.#linked.add(id)
    return false
  }
}

function below(folder: string, name: string): string {
  return folder === '' ? name : `${folder}/${name}`
}

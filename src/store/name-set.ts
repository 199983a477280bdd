const LEAST_SLOTS = 1 << 12
/** Numbers that stand for one name. */
const WIDTH = 3

/**
 * The names on the shelf while they are compared with the ledger's: a million in 27 MB, which as strings would be three
 * times as much. A name `<md5>…` is kept as 64 bits of its MD5 and 32 of the whole name, of which the last is set.
 */
export class NameSet {
  #keys: Uint32Array
  #marked: Uint8Array
  #slots: number
  #size = 0
  #marks = 0

  /** `expected`: about how many names will come. */
  constructor(expected = 0) {
    this.#slots = LEAST_SLOTS
    while (this.#slots * 3 < expected * 4) this.#slots *= 2
    this.#keys = new Uint32Array(this.#slots * WIDTH)
    this.#marked = new Uint8Array(this.#slots)
  }

  get size(): number {
    return this.#size
  }

  /** Names that nobody has marked. */
  get unmarked(): number {
    return this.#size - this.#marks
  }

  add(name: string): void {
    if (this.#size * 4 >= this.#slots * 3) this.#grow()
    if (this.#put(hexAt(name, 0), hexAt(name, 24), digest(name)) >= 0) this.#size++
  }

  /** Marks a name; false where the set hasn't got it. */
  mark(name: string): boolean {
    const slot = this.#find(hexAt(name, 0), hexAt(name, 24), digest(name))
    if (this.#keys[slot * WIDTH + 2] === 0) return false
    if (this.#marked[slot] === 0) this.#marks++
    this.#marked[slot] = 1
    return true
  }

  isMarked(name: string): boolean {
    return this.#marked[this.#find(hexAt(name, 0), hexAt(name, 24), digest(name))] === 1
  }

  /** Where the key has been put; -1 where it was there. */
  #put(a: number, b: number, c: number): number {
    const slot = this.#find(a, b, c)
    const at = slot * WIDTH
    if (this.#keys[at + 2] !== 0) return -1
    this.#keys[at] = a
    this.#keys[at + 1] = b
    this.#keys[at + 2] = c
    return slot
  }

  /** The slot that has the key, or the free one where it belongs. */
  #find(a: number, b: number, c: number): number {
    const keys = this.#keys
    // The MD5 alone would do for real ones; names made by hand may begin alike.
    for (let slot = (a ^ (c >>> 1)) & (this.#slots - 1); ; slot = (slot + 1) & (this.#slots - 1)) {
      const at = slot * WIDTH
      if (keys[at + 2] === 0 || (keys[at] === a && keys[at + 1] === b && keys[at + 2] === c)) return slot
    }
  }

  #grow(): void {
    const keys = this.#keys
    const marked = this.#marked
    this.#slots *= 2
    this.#keys = new Uint32Array(this.#slots * WIDTH)
    this.#marked = new Uint8Array(this.#slots)
    for (let slot = 0; slot < marked.length; slot++) {
      const at = slot * WIDTH
      if (keys[at + 2] === 0) continue
      this.#marked[this.#put(keys[at]!, keys[at + 1]!, keys[at + 2]!)] = marked[slot]!
    }
  }
}

/** Eight hex digits, of either case, as a number of 32 bits. */
function hexAt(name: string, at: number): number {
  let word = 0
  for (let i = at; i < at + 8; i++) {
    const code = name.charCodeAt(i)
    word = (word << 4) | (code < 58 ? code - 48 : (code | 32) - 87)
  }
  return word >>> 0
}

/** FNV-1a over the whole name, never 0. */
function digest(name: string): number {
  let hash = 0x811c9dc5
  for (let at = 0; at < name.length; at++) hash = Math.imul(hash ^ name.charCodeAt(at), 0x01000193)
  return (hash | 1) >>> 0
}

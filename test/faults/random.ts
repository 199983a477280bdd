import { createCipheriv, createHash } from 'node:crypto'

/** Chance that can be repeated: the same seed gives the same numbers and the same files. */
export class Random {
  #state: number

  constructor(readonly seed: number) {
    this.#state = seed >>> 0
  }

  /** A number from 0 up to, not including, 1 (mulberry32). */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0
    let t = this.#state
    t = Math.imul(t ^ (t >>> 15), t | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296
  }

  /** A whole number, both ends included. */
  between(least: number, most: number): number {
    return least + Math.floor(this.next() * (most - least + 1))
  }

  /** True in so many of a hundred cases. */
  percent(share: number): boolean {
    return this.next() * 100 < share
  }

  pick<T>(choices: readonly T[]): T {
    return choices[Math.floor(this.next() * choices.length)]!
  }

  /** A generator of its own, so that what one part draws does not shift what another gets. */
  fork(): Random {
    return new Random(this.between(1, 4_294_967_295))
  }

  /** A file that nobody has seen, small or large up to `most` bytes. */
  specimen(most: number): Specimen {
    const size = Math.max(1, Math.floor(most ** (0.4 + 0.6 * this.next())))
    return specimen(this.between(1, 4_294_967_295), size)
  }
}

/** A file that can be made again from its number: kept by its number, not by its bytes. */
export interface Specimen {
  number: number
  /** Bytes. */
  size: number
  md5: string
  filename: string
}

/** The file with this number and size (bytes). */
export function specimen(number: number, size: number): Specimen {
  const md5 = createHash('md5').update(bytesOf({ number, size })).digest('hex')
  return { number, size, md5, filename: `specimen-${number}.bin` }
}

/** Its bytes: a key stream, the same at every call. */
export function bytesOf({ number, size }: Pick<Specimen, 'number' | 'size'>): Buffer {
  const key = createHash('md5').update(String(number)).digest()
  return createCipheriv('aes-128-ctr', key, Buffer.alloc(16)).update(Buffer.alloc(size))
}

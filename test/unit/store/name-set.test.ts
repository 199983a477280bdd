import { NameSet } from '#src/store/name-set.js'
import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'

const name = (number: number, extension = 'mp4') =>
  `${createHash('md5').update(String(number)).digest('hex')}.${extension}`

describe('NameSet', () => {
  it('knows what was added, however far it had to grow, and marks survive that', () => {
    const set = new NameSet()
    for (let number = 0; number < 2000; number++) set.add(name(number))
    for (let number = 0; number < 1000; number++) expect(set.mark(name(number))).toBe(true)
    for (let number = 2000; number < 50_000; number++) set.add(name(number))
    expect(set.size).toBe(50_000)
    expect(set.unmarked).toBe(49_000)
    for (let number = 0; number < 50_000; number++) expect(set.isMarked(name(number))).toBe(number < 1000)
    for (let number = 50_000; number < 60_000; number++) expect(set.mark(name(number))).toBe(false)
  })

  it('tells two extensions and two spellings of one MD5 apart, and counts a name once', () => {
    const set = new NameSet()
    set.add(name(1, 'mp4'))
    set.add(name(1, 'mp4'))
    set.add(name(1, 'mkv'))
    set.add(name(1, 'mp4').toUpperCase())
    expect(set.size).toBe(3)
    expect(set.mark(name(1, 'avi'))).toBe(false)
    expect(set.mark(name(1, 'mkv'))).toBe(true)
    expect(set.isMarked(name(1, 'mp4'))).toBe(false)
  })

  it('is not lost in names that begin alike, as nobody’s MD5s but somebody’s numbered files do', () => {
    const set = new NameSet()
    const numbered = (number: number) => `${number.toString(16).padStart(32, '0')}.bin`
    // Each compared with all others would take minutes.
    for (let number = 0; number < 300_000; number++) set.add(numbered(number))
    expect(set.size).toBe(300_000)
    expect(set.mark(numbered(299_999))).toBe(true)
    expect(set.mark(numbered(300_000))).toBe(false)
  })
})

import { describe, expect, it } from 'vitest'
import { createFormat, wholePercent } from '../../../page/view/format/format.js'

const MiB = 1024 ** 2
const GiB = 1024 ** 3
const english = createFormat('en')
const chinese = createFormat('zh-CN')

describe('a size', () => {
  it.each([
    [0, '0 B'],
    [900, '900 B'],
    [1023, '1,023 B'],
    [1024, '1 KiB'],
    [1.5 * MiB, '1.5 MiB'],
    [523.9 * MiB, '523 MiB'],
    [1023.99 * MiB, '1,023 MiB'],
    [19.8 * GiB, '19.8 GiB'],
    [20 * GiB, '20 GiB'],
    [3 * 1024 ** 5, '3 PiB'],
  ])('of %d bytes is written %s', (bytes, text) => {
    expect(english.bytes(bytes)).toBe(text)
  })

  it('that is not all there is never written as the whole', () => {
    expect(english.part(19.999 * GiB, 20 * GiB)).toBe('19.9')
  })
})

describe('what runs', () => {
  it('keeps one digit behind the point, so that the line stays as wide', () => {
    expect(english.runningBytes(11 * MiB)).toBe('11.0 MiB')
    expect(english.runningBytes(111.4 * MiB)).toBe('111 MiB')
    expect(english.runningBytes(700)).toBe('700 B')
  })

  it('is given in the unit of the whole', () => {
    expect(english.part(300 * MiB, 19.8 * GiB)).toBe('0.2')
    expect(english.part(300, 900)).toBe('300')
  })
})

describe('a percentage', () => {
  it('is 100 when everything is there, and not before', () => {
    expect(wholePercent(999_999, 1_000_000)).toBe(99)
    expect(wholePercent(1_000_000, 1_000_000)).toBe(100)
    expect(english.percent(2, 3)).toBe('66%')
  })

  it('is 100 of nothing', () => {
    expect(wholePercent(0, 0)).toBe(100)
  })

  it('stays between 0 and 100, whatever was counted', () => {
    expect(wholePercent(-1, 10)).toBe(0)
    expect(wholePercent(11, 10)).toBe(100)
  })
})

describe('a time that has passed', () => {
  const now = Date.UTC(2026, 10, 26, 12)
  const minutes = (amount: number) => now - amount * 60_000

  it.each([
    [minutes(0.5), 'now', '现在'],
    [minutes(-3), 'now', '现在'],
    [minutes(20), '20 minutes ago', '20分钟前'],
    [minutes(119), '1 hour ago', '1小时前'],
    [minutes(26 * 60), 'yesterday', '昨天'],
    [minutes(6 * 24 * 60), '6 days ago', '6天前'],
    [minutes(40 * 24 * 60), 'Oct 17, 2026', '2026年10月17日'],
  ])('at %d is told as %s', (at, inEnglish, inChinese) => {
    expect(english.when(at, now)).toBe(inEnglish)
    expect(chinese.when(at, now)).toBe(inChinese)
  })
})

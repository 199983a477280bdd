import { describe, expect, it } from 'vitest'
import { Ranges } from '#src/spread/ranges.js'
import { Gaps } from '#src/spread/gaps.js'

describe('Ranges', () => {
  const ranges = (...pairs: [number, number][]) => new Ranges(pairs.map(([start, end]) => ({ start, end })))

  it.each([
    [[], []],
    [[[5, 5]], []],
    [[[0, 5], [5, 9]], [[0, 9]]], // prettier-ignore
    [[[5, 9], [0, 5]], [[0, 9]]], // prettier-ignore
    [[[0, 2], [4, 6], [8, 9], [1, 8]], [[0, 9]]], // prettier-ignore
    [[[0, 2], [4, 6], [2, 3]], [[0, 3], [4, 6]]], // prettier-ignore
    [[[0, 9], [3, 4]], [[0, 9]]], // prettier-ignore
  ] as [[number, number][], [number, number][]][])('of %j are %j', (added, merged) => {
    expect(ranges(...added).toJSON()).toEqual(merged)
  })

  it('know what is missing, what is there, and how far from the beginning', () => {
    const some = ranges([0, 10], [20, 30])
    expect(some.gaps(40)).toEqual([
      { start: 10, end: 20 },
      { start: 30, end: 40 },
    ])
    expect([some.total, some.front]).toEqual([20, 10])
    expect(ranges().gaps(7)).toEqual([{ start: 0, end: 7 }])
    expect(ranges([0, 7]).gaps(7)).toEqual([])
    expect(ranges().gaps(0)).toEqual([])
    expect(ranges([3, 7]).front).toBe(0)
  })

  it('end where a file ends', () => {
    expect(ranges([0, 10], [20, 30]).within(25).toJSON()).toEqual([
      [0, 10],
      [20, 25],
    ])
    expect(ranges([0, 10], [20, 30]).within(15).toJSON()).toEqual([[0, 10]])
    expect(ranges([20, 30]).gaps(10)).toEqual([{ start: 0, end: 10 }])
  })

  it('agree with a plain list of bytes, whatever is added', () => {
    const bytes = Array.from({ length: 64 }, () => false)
    const some = new Ranges()
    for (let step = 0; step < 500; step++) {
      const start = Math.floor(Math.random() * 64)
      const end = Math.min(64, start + Math.floor(Math.random() * 4))
      some.add({ start, end })
      bytes.fill(true, start, Math.max(start, end))
      const gaps = some.gaps(64)
      const missing = bytes.flatMap((isThere, at) => (isThere ? [] : [at]))
      expect(
        gaps.flatMap(({ start, end }) => Array.from({ length: end - start }, (_, at) => start + at)),
      ).toEqual(missing)
      expect(some.total).toBe(64 - missing.length)
      expect(some.front).toBe(missing[0] ?? 64)
    }
  })
})

describe('Gaps', () => {
  it('gives every byte once, the first ones first, and what came back again', () => {
    const gaps = [
      { start: 0, end: 25 },
      { start: 40, end: 45 },
    ]
    const todo = new Gaps(gaps)
    expect([todo.take(10), todo.take(10)]).toEqual([
      { start: 0, end: 10 },
      { start: 10, end: 20 },
    ])
    todo.giveBack({ start: 3, end: 10 })
    todo.giveBack({ start: 20, end: 20 })
    const rest = [todo.take(10), todo.take(10), todo.take(10), todo.take(10)]
    expect(rest).toEqual([{ start: 3, end: 10 }, { start: 20, end: 25 }, { start: 40, end: 45 }, undefined])
    expect(todo.isEmpty).toBe(true)
    expect(gaps[0]).toEqual({ start: 0, end: 25 })
  })
})

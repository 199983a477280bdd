import { describe, expect, it } from 'vitest'
import { Board } from '#cli/get/board.js'
import { Tempo } from '#cli/get/tempo.js'

const MIB = 1024 * 1024
const KIB = 1024

describe('Tempo', () => {
  it('stays with one connection while that is fast, or soon ready', () => {
    const fast = new Tempo('auto')
    fast.note(50 * MIB, 5000 * MIB)
    expect(fast.wanted(5000 * MIB)).toBe(1)
    const soon = new Tempo('auto')
    soon.note(MIB, 2.9 * MIB)
    expect(soon.wanted(10 * MIB)).toBe(1)
    expect(soon.piece(MIB, 1)).toBe(Infinity)
  })

  it('takes more where one is slow, for two seconds where it was fast before, and none before it has brought anything', () => {
    const slow = new Tempo('auto')
    slow.note(MIB, 10 * MIB)
    expect(slow.wanted(10 * MIB)).toBe(4)
    const faltering = new Tempo('auto')
    for (const bytes of [50, 0, 50, 0, 50]) faltering.note(bytes * MIB, 5000 * MIB)
    expect(faltering.wanted(5000 * MIB)).toBe(1)
    for (const bytes of [0, 0]) faltering.note(bytes, 5000 * MIB)
    expect(faltering.wanted(5000 * MIB)).toBe(4)
    const silent = new Tempo('auto')
    silent.note(0, 10 * MIB)
    expect(silent.wanted(10 * MIB)).toBe(1)
  })

  it('keeps to a number, with 2 MiB at least for each', () => {
    const four = new Tempo(4)
    four.note(MIB, 1000 * MIB)
    expect([four.wanted(1000 * MIB), four.wanted(5 * MIB), four.wanted(1)]).toEqual([4, 3, 1])
  })

  it('asks for about a second, neither too little nor too much', () => {
    const pieces = [1, MIB, 1000 * MIB].map((rate) => new Tempo(4).piece(rate, 4))
    expect(pieces).toEqual([256 * KIB, MIB, 16 * MIB])
  })
})

describe('Board', () => {
  it('gives ranges in the order of the file, and what was not brought first', () => {
    const board = new Board([{ start: 0, end: 100 }])
    const first = board.next(40)
    expect(board.next(40)?.rest).toEqual({ start: 40, end: 80 })
    board.land(first!)
    expect(board.next(20)?.rest).toEqual({ start: 0, end: 20 })
    expect(board.next(40)?.rest).toEqual({ start: 20, end: 40 })
    expect(board.next(40)?.rest).toEqual({ start: 80, end: 100 })
    expect(board.next(40)).toBeUndefined()
  })

  it('leaves a range alone that has only just begun', () => {
    const board = new Board([{ start: 0, end: 100 }])
    board.next(100)
    expect(board.next(10)).toBeUndefined()
    expect(board.hasMore).toBe(false)
  })
})

import { describe, expect, it } from 'vitest'
import { Board } from '#cli/get/board.js'
import { Tempo } from '#cli/get/tempo.js'

const MIB = 1024 * 1024
const KIB = 1024

describe('Tempo', () => {
  it('stays with one connection while that is fast, soon ready, or loses nothing with not much left', () => {
    for (const [bytes, missing, tripMs] of [
      [50 * MIB, 5000 * MIB, 100],
      [MIB, 2.9 * MIB, 1],
      [6 * MIB, 64 * MIB, 100],
      [200 * KIB, MIB, 100],
    ] as const) {
      const tempo = new Tempo('auto')
      for (let second = 0; second < 3; second++) tempo.note(bytes, missing, tripMs)
      expect(tempo.wanted(missing)).toBe(1)
      expect(tempo.piece(bytes, 1)).toBe(Infinity)
    }
  })

  it('takes the most at once where one is held back by losses', () => {
    const tempo = new Tempo('auto')
    tempo.note(200 * KIB, 10 * MIB, 100)
    expect(tempo.wanted(10 * MIB)).toBe(8)
  })

  it('takes more after two seconds in which that would have paid, and none before it has brought anything', () => {
    const slow = new Tempo('auto')
    slow.note(MIB, 100 * MIB, 100)
    expect(slow.wanted(100 * MIB)).toBe(1)
    slow.note(MIB, 99 * MIB, 100)
    expect(slow.wanted(100 * MIB)).toBe(4)
    const short = new Tempo('auto')
    short.note(MIB, 24 * MIB, 1)
    expect(short.wanted(24 * MIB)).toBe(4)
    const faltering = new Tempo('auto')
    for (const bytes of [50, 0, 50, 0, 50]) faltering.note(bytes * MIB, 5000 * MIB, 20)
    expect(faltering.wanted(5000 * MIB)).toBe(1)
    for (const bytes of [0, 0]) faltering.note(bytes, 5000 * MIB, 20)
    expect(faltering.wanted(5000 * MIB)).toBe(4)
    const silent = new Tempo('auto')
    for (let second = 0; second < 5; second++) silent.note(0, 10 * MIB, 20)
    expect(silent.wanted(10 * MIB)).toBe(1)
  })

  it('keeps to a number, with 2 MiB at least for each', () => {
    const four = new Tempo(4)
    four.note(MIB, 1000 * MIB, 100)
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

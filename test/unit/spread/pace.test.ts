import { describe, expect, it } from 'vitest'
import { MOST_CONNECTIONS, Pace } from '#src/spread/pace.js'
import { type Law, type Transfer, capped, sum, transfer } from '../../support/paced-line.js'

/** Each with as much luck as the next one has not. */
const SEEDS = Array.from({ length: 100 }, (_, index) => index + 1)
const NUMBERS = [1, 2, 3, 4, 5, 6, 7, 8]
const lossy = capped(100)
const full = capped(1)
const policed: Law = (each) => Math.min(1, sum(each)) * Math.max(0.2, 1.12 - 0.12 * each.length)

/** The first line, and from the first to the second of two seconds the other one. */
function interrupted(usual: Law, other: Law, from: number, to: number): Law {
  return (each, second) => (second >= from && second < to ? other : usual)(each, second)
}

describe('Pace', () => {
  const all = [1, 2, 4]
  const lines: [string, Law, number[]][] = [
    ['a long line that loses packets', lossy, all],
    ['a line that one connection fills', full, all],
    ['a line that three and a half connections fill', capped(3.5), all],
    ['a line that five connections fill', capped(5), all],
    ['a line that punishes more than one connection', policed, all],
    ['a lossy line that is full from the 10th to the 20th second', interrupted(lossy, full, 10, 20), [4]],
    ['a lossy line that is dead for two seconds', interrupted(lossy, capped(0), 8, 10), all],
  ]
  it.each(lines)(
    'brings in 30 s over %s 0.85 of what the best number of connections brings',
    (_, law, begins) => {
      const best = Math.max(...NUMBERS.map((count) => fixed(law, count)))
      for (const begin of begins) expect(mean(runs(law, begin)) / best).toBeGreaterThan(0.85)
    },
  )

  it.each([1, 2, 4])('goes from %i to the most within 10 s where each helps, and stays there', (begin) => {
    for (const { used } of runs(lossy, begin)) {
      expect(used.indexOf(MOST_CONNECTIONS)).toBeGreaterThan(0)
      expect(used.indexOf(MOST_CONNECTIONS)).toBeLessThan(10)
      expect(Math.min(...used.slice(10))).toBeGreaterThanOrEqual(6)
    }
  })

  it.each([1, 2, 4, 8])(
    'comes from %i down to one, two or three where one is enough, and seldom tries more',
    (begin) => {
      const used = runs(full, begin).flatMap((run) => run.used.slice(15))
      expect(used.filter((count) => count <= 3).length / used.length).toBeGreaterThan(0.85)
      expect(sum(used) / used.length).toBeLessThan(2.7)
    },
  )

  it.each([2, 4, 8])('keeps from %i on to three to five where three and a half are enough', (begin) => {
    const used = runs(capped(3.5), begin).flatMap((run) => run.used.slice(10))
    const near = used.filter((count) => count >= 3 && count <= 6)
    expect(near.length / used.length).toBeGreaterThan(0.8)
    expect(sum(used) / used.length).toBeGreaterThan(3)
    expect(sum(used) / used.length).toBeLessThan(5.2)
  })

  it('is not misled by connections that bring three times as much until they lose their first packet', () => {
    for (const most of [100, 3.5])
      for (const begin of all) {
        const law = capped(most)
        const best = Math.max(...NUMBERS.map((count) => fixed(law, count, 3)))
        expect(mean(runs(law, begin, 3)) / best).toBeGreaterThan(0.85)
      }
  })

  it('comes down where more do harm', () => {
    for (const begin of [4, 8]) {
      const used = runs(policed, begin).flatMap((run) => run.used.slice(12))
      expect(sum(used) / used.length).toBeLessThan(2.2)
    }
  })

  it.each([0, 0.01])('is not driven by two seconds with %d of the usual', (share) => {
    const dip = interrupted(lossy, (each) => share * sum(each), 12, 14)
    for (const { used } of runs(dip, 4)) expect(used.slice(12)).toEqual(used.slice(12).fill(MOST_CONNECTIONS))
  })

  it('tries no fewer where each brings what one alone did, and soon where all bring together what one did', () => {
    const lowest = (law: Law, alone: number): number[] =>
      SEEDS.map((seed) =>
        Math.min(
          ...transfer(law, new Pace(8, 8, { bytesPerSecond: alone * 1_000_000, isLossy: true }), seed).used,
        ),
      )
    expect(new Set(lowest(lossy, 1))).toEqual(new Set([8]))
    expect(Math.max(...lowest(full, 1))).toBeLessThanOrEqual(4)
    // It was no loss that held that one up.
    expect(Math.max(...lowest(lossy, 0.1))).toBeLessThanOrEqual(4)
  })

  it('tries nothing that could not pay before the end', () => {
    for (const [begin, left] of [
      [4, 3],
      [8, 15],
    ] as const) {
      const pace = new Pace(begin)
      for (let second = 0; second < 5; second++) {
        pace.note(begin, left - second)
        expect(pace.wanted).toBe(begin)
      }
    }
  })

  it('does not take a better second for a reason to try fewer', () => {
    const pace = new Pace(8, 8, { bytesPerSecond: 1, isLossy: true })
    const used = [8, 8, 8, 8, 14, 8, 8, 8, 13, 8].map((bytes) => {
      pace.note(bytes)
      return pace.wanted
    })
    expect(new Set(used)).toEqual(new Set([8]))
  })

  it('still has a number after a minute without a byte, and then goes on', () => {
    const pace = new Pace(4)
    for (let second = 0; second < 60; second++) pace.note(0)
    expect(pace.wanted).toBe(4)
    for (let second = 0; second < 10; second++) pace.note(pace.wanted)
    expect(pace.wanted).toBe(MOST_CONNECTIONS)
  })

  it('is up again within 4 s where a line gets better, nine times of ten', () => {
    const all = runs(interrupted(lossy, full, 10, 20), 4)
    expect(all.filter(({ used }) => used[24] === MOST_CONNECTIONS).length).toBeGreaterThan(0.9 * all.length)
  })
})

function runs(law: Law, begin: number, first?: number): Transfer[] {
  return SEEDS.map((seed) => transfer(law, new Pace(begin), seed, first))
}

/** What so many connections bring on average, all the time. */
function fixed(law: Law, wanted: number, first?: number): number {
  return mean(SEEDS.map((seed) => transfer(law, { wanted, note: () => undefined }, seed, first)))
}

function mean(all: Transfer[]): number {
  return sum(all.map(({ goodput }) => goodput)) / all.length
}

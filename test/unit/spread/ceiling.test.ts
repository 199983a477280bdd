import { expect, it } from 'vitest'
import { Pace } from '#src/spread/pace.js'
import { capped, transfer } from '../../support/paced-line.js'

const SEEDS = Array.from({ length: 50 }, (_, index) => index + 1)

it('a pace with a ceiling never tries more, and comes down from it where one is enough', () => {
  for (const seed of SEEDS) {
    const lossy = transfer(capped(100), new Pace(8, 5), seed).used
    expect(Math.max(...lossy)).toBe(5)
    expect(lossy.at(-1)).toBeGreaterThanOrEqual(4)
    const full = transfer(capped(1), new Pace(5, 5), seed).used
    expect(Math.max(...full)).toBe(5)
    expect(Math.min(...full.slice(0, 10))).toBeLessThanOrEqual(3)
  }
})

import { describe, expect, it } from 'vitest'
import { timeLeft } from '../../../page/view/format/time-left.js'

describe('the time left', () => {
  it.each([
    [0, 'almost'],
    [54, 'almost'],
    [55, { unit: 'minutes', amount: 1 }],
    [230, { unit: 'minutes', amount: 4 }],
    [601, { unit: 'minutes', amount: 10 }],
    [23 * 60, { unit: 'minutes', amount: 25 }],
    [86 * 60, { unit: 'minutes', amount: 85 }],
    [90 * 60, { unit: 'hours', amount: 1.5 }],
    [9.8 * 3600, { unit: 'hours', amount: 10 }],
    [13.4 * 3600, { unit: 'hours', amount: 13 }],
    [70 * 3600, { unit: 'days', amount: 3 }],
  ])('of %d seconds is told as %o', (seconds, told) => {
    expect(timeLeft(seconds)).toEqual(told)
  })

  it('never grows while the seconds shrink', () => {
    const minutes = Array.from({ length: 5 * 3600 }, (_, seconds) => inMinutes(seconds))
    expect(minutes).toEqual(minutes.toSorted((a, b) => a - b))
  })
})

function inMinutes(seconds: number): number {
  const time = timeLeft(seconds)
  if (time === 'almost') return 0
  return time.unit === 'minutes' ? time.amount : time.amount * 60
}

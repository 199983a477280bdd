import { describe, expect, it } from 'vitest'
import { Patience, parseRetryAfter, pause } from '#cli/retry.js'

describe('Patience', () => {
  it('pauses longer after each failure, up to about ten seconds', () => {
    let now = 0
    const patience = new Patience(3_600_000, () => now)
    const pauses = Array.from({ length: 9 }, () => {
      now += 1
      return patience.pauseAfterFailure() ?? NaN
    })
    ;[200, 500, 1000, 2000, 5000, 10_000, 10_000, 10_000, 10_000].forEach((usual, at) => {
      expect(pauses[at]).toBeGreaterThanOrEqual(usual * 0.8)
      expect(pauses[at]).toBeLessThanOrEqual(usual * 1.2)
    })
  })

  it('ends when its time is over, and not before a last attempt at the very end', () => {
    let now = 0
    const patience = new Patience(10_000, () => now)
    patience.pauseAfterFailure()
    now = 9900
    expect(patience.pauseAfterFailure()).toBeLessThanOrEqual(100)
    now = 10_000
    expect(patience.pauseAfterFailure()).toBeUndefined()
  })

  it('counts from the first failure after the last progress, however long that took', () => {
    let now = 5_000_000
    const patience = new Patience(1000, () => now)
    patience.pauseAfterFailure()
    now += 900
    patience.progressed()
    now += 5_000_000
    expect(patience.pauseAfterFailure()).toBeLessThan(250)
    now += 900
    expect(patience.pauseAfterFailure()).toBeDefined()
  })

  it('waits as long as the server asks, but no longer than it has patience', () => {
    const patience = new Patience(60_000, () => 0)
    expect(patience.pauseAfterFailure(30_000)).toBe(30_000)
    expect(patience.pauseAfterFailure(1e12)).toBe(60_000)
  })

  it('has none at all when told so', () => {
    expect(new Patience(0).isNone).toBe(true)
    expect(new Patience(0).pauseAfterFailure()).toBeUndefined()
  })
})

describe('pause', () => {
  it('ends with the reason of an abort', async () => {
    const controller = new AbortController()
    const waiting = pause(60_000, controller.signal)
    controller.abort(new Error('enough'))
    await expect(waiting).rejects.toThrow('enough')
  })
})

describe('parseRetryAfter', () => {
  it.each([
    ['120', 120_000],
    ['0', 0],
    ['Thu, 01 Jan 1970 00:00:10 GMT', 9000],
    ['Thu, 01 Jan 1970 00:00:00 GMT', 0],
    ['soon', undefined],
    ['', undefined],
    [undefined, undefined],
  ])('reads %j', (value, ms) => {
    expect(parseRetryAfter(value, 1000)).toBe(ms)
  })
})

import { CreationRate } from '#src/intake/rate.js'
import { Recent } from '#src/intake/recent.js'
import { networkOf } from '#src/network.js'
import { Tally } from '#src/tally.js'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'

describe('networkOf', () => {
  it.each([
    ['192.0.2.1', '192.0.2.1'],
    ['::ffff:192.0.2.1', '192.0.2.1'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['2001:0DB8:0001:0002:ffff::', '2001:db8:1:2::/64'],
    ['2001:db8::1', '2001:db8:0:0::/64'],
    ['::1', '0:0:0:0::/64'],
    ['fe80::1%eth0', 'fe80:0:0:0::/64'],
    ['64:ff9b::192.0.2.1', '64:ff9b:0:0::/64'],
    [undefined, 'unknown'],
  ])('counts %s as %s', (address, network) => {
    expect(networkOf(address)).toBe(network)
  })
})

describe('Recent', () => {
  it('never remembers more than it may, whatever comes', () => {
    const recent = new Recent<number>(1000)
    for (let n = 0; n < 100_000; n++) recent.set(`key ${n}`, n, 60_000)
    expect(recent.size).toBe(1000)
    expect(recent.get('key 99999')).toBe(99_999)
    expect(recent.get('key 1')).toBeUndefined()
  })

  it('lets go of what is over', () => {
    vi.useFakeTimers({ toFake: ['performance'] })
    const recent = new Recent<true>(1000)
    for (let n = 0; n < 500; n++) recent.set(`old ${n}`, true, 1000)
    vi.advanceTimersByTime(1001)
    expect(recent.get('old 1')).toBeUndefined()
    for (let n = 0; n < 500; n++) recent.set(`new ${n}`, true, 1000)
    expect(recent.size).toBe(500)
    vi.useRealTimers()
  })
})

describe('CreationRate', () => {
  beforeEach(() => void vi.useFakeTimers({ toFake: ['performance'] }))
  afterEach(() => void vi.useRealTimers())

  it('lets a minute’s worth come at once, and then evenly', () => {
    const rate = new CreationRate(60)
    for (let n = 0; n < 60; n++) rate.count('192.0.2.1')
    expect(() => rate.count('192.0.2.1')).toThrow(
      expect.objectContaining({ code: 'too-many', retryAfter: 1 }),
    )
    rate.count('192.0.2.2')
    vi.advanceTimersByTime(1000)
    rate.count('192.0.2.1')
    expect(() => rate.count('192.0.2.1')).toThrow('60 uploads')
    vi.advanceTimersByTime(60_000)
    for (let n = 0; n < 60; n++) rate.count('192.0.2.1')
  })

  it('lets 100,000 small files pass by its default, at 700 a second for as long as it takes and at 2,000', () => {
    for (const perSecond of [700, 2000]) {
      const rate = new CreationRate(60_000)
      for (let n = 0; n < 100_000; n++) {
        rate.count('127.0.0.1')
        if (n % 100 === 99) vi.advanceTimersByTime((100 / perSecond) * 1000)
      }
    }
  })

  it('remembers a bounded number of networks, however many come', () => {
    const rate = new CreationRate(60)
    for (let n = 0; n < 50_000; n++)
      rate.count(`2001:db8:${(n >> 8).toString(16)}:${(n & 255).toString(16)}::1`)
    expect(rate.size).toBe(10_000)
  })

  it('has no limit where that is 0', () => {
    const rate = new CreationRate(0)
    for (let n = 0; n < 100_000; n++) rate.count('192.0.2.1')
    expect(rate.size).toBe(0)
  })
})

describe('Tally', () => {
  it('counts by network, and forgets who has none', () => {
    const tally = new Tally()
    for (const address of ['2001:db8::1', '2001:db8::2', '192.0.2.1']) tally.add(address)
    expect([tally.total, tally.of('2001:db8::3'), tally.of('192.0.2.1')]).toEqual([3, 2, 1])
    for (const address of ['2001:db8::1', '2001:db8::2']) tally.remove(address)
    expect([tally.total, tally.of('2001:db8::3')]).toEqual([1, 0])
  })
})

import type { Md5 } from '#src/contract.js'
import { newArrival, type Arrival } from '#src/intake/arrival.js'
import { Leases } from '#src/intake/leases.js'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'

const SECOND = 1000
const X = 'a'.repeat(32) as Md5

function upload(address = '192.0.2.1', md5: Md5 | undefined = X): Arrival {
  const claim = { md5, filename: 'a.bin', size: 10 ** 9, client: undefined }
  return newArrival('id', claim, { door: 'tus', resumable: true, address, announced: 0 })
}

describe('a lease', () => {
  beforeEach(() => void vi.useFakeTimers({ toFake: ['performance'] }))
  afterEach(() => void vi.useRealTimers())
  const leases = () => new Leases(60 * SECOND, 1024)
  const wait = (seconds: number) => void vi.advanceTimersByTime(seconds * SECOND)

  it('is lent to a new upload before any byte', () => {
    const [all, one] = [leases(), upload()]
    all.lend(one)
    wait(59)
    expect(all.left(one)).toBeGreaterThan(0)
    wait(1)
    expect(all.left(one)).toBe(0)
  })

  it('goes on for whoever sends at the least rate, however unevenly within it', () => {
    const [all, one] = [leases(), upload()]
    all.lend(one)
    for (let minute = 0; minute < 10; minute++) {
      wait(59)
      all.earn(one, 59 * 1024)
      expect(all.left(one)).toBeGreaterThan(58 * SECOND)
    }
  })

  it('ends for whoever trickles, and no single byte brings it back', () => {
    const [all, one] = [leases(), upload()]
    all.lend(one)
    let live = 0
    for (let second = 0; second < 600; second++) {
      all.earn(one, 100)
      wait(1)
      if (all.left(one) > 0) live += 1
    }
    // 100 bytes a second buy a tenth of the time.
    expect(live).toBeLessThan(70)
  })

  it('comes back to an upload that is fast again', () => {
    const [all, one] = [leases(), upload()]
    all.lend(one)
    wait(3600)
    all.earn(one, 64 * 1024)
    expect(all.left(one)).toBe(60 * SECOND)
  })

  it('is lent once for an MD5 to a sender that brings nothing, however often he begins', () => {
    const all = leases()
    let live = 0
    for (let second = 0; second < 300; second++) {
      const one = upload()
      all.lend(one)
      wait(1)
      if (all.left(one) > 0) live += 1
      all.settle(one)
    }
    expect(live).toBeLessThan(60)
  })

  it('is lent to a sender elsewhere, and to the same one for another MD5', () => {
    const [all, squatter] = [leases(), upload('2001:db8::1')]
    all.lend(squatter)
    wait(120)
    all.settle(squatter)
    const left = (one: Arrival) => (all.lend(one), all.left(one))
    expect(left(upload('2001:db8::ffff:1'))).toBeLessThan(0) // the same /64
    expect(left(upload('2001:db8:0:1::1'))).toBe(60 * SECOND)
    expect(left(upload('2001:db8::1', 'b'.repeat(32) as Md5))).toBe(60 * SECOND)
  })

  it('is lent again to a sender that has paid for the first, or after ten leases', () => {
    const [all, honest, idle] = [leases(), upload(), upload('192.0.2.2')]
    for (const one of [honest, idle]) all.lend(one)
    all.earn(honest, 60 * 1024)
    wait(3600)
    for (const one of [honest, idle]) all.settle(one)
    all.lend(honest)
    expect(all.left(honest)).toBe(60 * SECOND)
    wait(601)
    all.lend(idle)
    expect(all.left(idle)).toBe(60 * SECOND)
  })

  it('asks for no rate where none is set: any byte is good for all of it', () => {
    const [all, one] = [new Leases(60 * SECOND, 0), upload()]
    all.lend(one)
    wait(59)
    all.earn(one, 1)
    expect(all.left(one)).toBe(60 * SECOND)
  })
})

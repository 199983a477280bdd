import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { Probe } from '#src/spread/probe.js'
import type { Found } from '#src/spread/worth.js'

const KIB = 1024
const MIB = 1024 * KIB
const TICK = 100
const GIB = 1024 * MIB

interface Scene {
  /** Bytes a second that come to the server, by the second. */
  rate: (second: number) => number
  size?: number
  tripMs?: number
  limit?: number
  /** Bytes a second that the system takes; as the rate, where nothing is said. */
  written?: number
  /** What the server says it has; where nothing is said, what it has. */
  told?: (there: number, second: number) => number
}

/** What a probe finds in so many seconds, when (in seconds), and when it has asked. */
async function probe(
  scene: Scene,
  seconds: number,
): Promise<{ found?: Found; at?: number; asked: number[] }> {
  const { rate, size = GIB, tripMs = 100, limit, written, told = (there) => there } = scene
  const asked: number[] = []
  const seen: { found?: Found; at?: number } = {}
  let there = 0
  let out = 0
  let now = 0
  const ask = (): Promise<number> => {
    asked.push(now)
    return Promise.resolve(told(there, now))
  }
  const probing = new Probe({ size, limit, tripMs, ask }, (found) => Object.assign(seen, { found, at: now }))
  probing.begin(0)
  for (; now < seconds; now = Math.round(now * 1000 + TICK) / 1000) {
    there += (rate(now) * TICK) / 1000
    out += ((written ?? rate(now)) * TICK) / 1000
    probing.note(out)
    await vi.advanceTimersByTimeAsync(TICK)
  }
  probing.stop()
  return { ...seen, asked }
}

describe('Probe', () => {
  beforeEach(() => void vi.useFakeTimers())
  afterEach(() => void vi.useRealTimers())

  it('finds a line that loses packets at its first look, whatever the system has taken at once', async () => {
    const { found, at } = await probe({ rate: () => 200 * KIB, written: 4 * MIB }, 10)
    expect(found).toMatchObject({ isLossy: true })
    expect(found!.bytesPerSecond).toBeCloseTo(240 * KIB, -4)
    expect(at).toBeLessThan(1.5)
  })

  it('looks again at once where the server has not told anything yet', async () => {
    const told = (there: number, second: number): number => (second < 1.3 ? 0 : there)
    const { at } = await probe({ rate: () => 200 * KIB, told }, 10)
    expect(at).toBeLessThan(1.8)
  })

  it('does not hurry where nothing moves', async () => {
    const { found, asked } = await probe({ rate: () => 0 }, 20)
    expect(found).toBeUndefined()
    expect(asked.length).toBeLessThanOrEqual(20)
  })

  it('asks seldom on a line that is well, and finds that it is no more', async () => {
    // So little is left that to try others would not pay.
    const well = { rate: () => 6 * MIB, size: 0 }
    const { found, asked } = await probe(well, 120)
    expect(found).toBeUndefined()
    expect(asked.length).toBeLessThanOrEqual(12)
    const { at } = await probe(
      {
        rate: (second) => (second < 60 ? 30 * MIB : 100 * KIB),
        size: 10 * GIB,
        tripMs: 250,
        limit: 100 * MIB,
      },
      120,
    )
    expect(at).toBeGreaterThan(60)
    expect(at).toBeLessThan(95)
  })

  it('asks nothing where even what we write is fast', async () => {
    expect((await probe({ rate: () => 200 * MIB }, 20)).asked).toEqual([])
  })

  it('takes a limit for no slow line', async () => {
    expect((await probe({ rate: () => 100 * KIB, limit: 100 * KIB }, 20)).found).toBeUndefined()
  })

  it('tries others on a line that loses nothing only where much is left', async () => {
    const { found, at } = await probe({ rate: () => 6 * MIB, size: 2 * GIB }, 10)
    expect(found).toMatchObject({ isLossy: false })
    expect(at).toBeGreaterThan(2)
    expect((await probe({ rate: () => 6 * MIB, size: 30 * MIB }, 4)).found).toBeUndefined()
  })
})

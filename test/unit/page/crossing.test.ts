import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { parseMd5, type Md5 } from '../../../src/contract.js'
import type { Access } from '../../../page/engine/access.js'
import { createCard } from '../../../page/engine/card.js'
import { Checks } from '../../../page/engine/checks.js'
import { Crossing, type Means } from '../../../page/engine/crossing.js'
import { Locks } from '../../../page/engine/locks.js'
import { openMemory } from '../../../page/engine/memory.js'
import { Problem } from '../../../page/engine/problem.js'
import type { Server } from '../../../page/engine/server.js'
import { Slots } from '../../../page/engine/slots.js'
import { Tabs } from '../../../page/engine/tabs.js'
import type { Hasher } from '../../../page/hashing/hasher.js'

const MD5 = parseMd5('d41d8cd98f00b204e9800998ecf8427e')!

/** A file's crossing to a server in the test's hands. */
async function setUp(size: number, server: Partial<Record<keyof Server, (...asked: never[]) => unknown>>) {
  const stop = new AbortController()
  const fake = server as unknown as Server
  const tabs = new Tabs()
  const means: Means = {
    server: fake,
    access: {} as Access,
    memory: await openMemory(),
    tabs,
    hasher: { hash: () => Promise.resolve<Md5>(MD5) } as unknown as Hasher,
    slots: new Slots(),
    locks: new Locks(),
    checks: new Checks(fake, tabs.id),
    limit: { bytes: Infinity },
    line: {},
  }
  const card = createCard('1', new File([new Uint8Array(size)], 'a.bin', { lastModified: 1 }), 'a.bin')
  return { card, means, stop, crossing: new Crossing(card, means) }
}

describe('a crossing', () => {
  beforeEach(() => {
    // A browser's window hears when the line is back.
    vi.stubGlobal('addEventListener', () => undefined)
    vi.stubGlobal('removeEventListener', () => undefined)
  })
  afterEach(() => {
    vi.useRealTimers()
    vi.unstubAllGlobals()
  })

  it.each([1000, 1_000_000])('does not besiege a server that knows no uploads (%i bytes)', async (size) => {
    vi.useFakeTimers()
    const gone = vi.fn(() => Promise.reject(new Problem('gone', 'HTTP 404')))
    const { card, crossing, stop } = await setUp(size, {
      check: () => new Promise((resolve) => setTimeout(() => resolve([{ status: 'notfound' }]), 5)),
      create: gone,
      createWhole: gone,
    })
    const crossed = crossing.run(stop.signal)
    crossed.catch(() => undefined)
    await vi.advanceTimersByTimeAsync(60_000)
    expect(gone.mock.calls.length).toBeLessThan(20)
    expect(card.step.value).toMatchObject({ at: 'down', why: 'busy' })
    stop.abort(new Error('paused'))
    await expect(crossed).rejects.toThrow('paused')
  })

  it.each([
    ['keeps', 'what some proxy refuses to declare', undefined],
    ['drops', 'what the server has as another file', 'bad-request'],
  ])('%s %s', async (what, _why, code) => {
    const drop = vi.fn(() => Promise.resolve())
    const { crossing, means, stop } = await setUp(65 * 1024 * 1024, {
      mayHave: () => Promise.resolve(false),
      create: () => Promise.resolve('0123'),
      bind: () => Promise.reject(new Problem('refused', '', 0, code)),
      uploadUrl: () => 'http://127.0.0.1:1/',
      drop,
      check: () => Promise.reject(new Problem('refused', 'asked anew')),
    })
    Object.assign(means.access, { headers: () => ({}) })
    await expect(crossing.run(stop.signal)).rejects.toThrow(what === 'keeps' ? /^refused$/ : 'asked anew')
    expect(drop).toHaveBeenCalledTimes(what === 'keeps' ? 0 : 1)
  })

  it('leaves a file that is given up, even where the server can’t be told', async () => {
    const { card, crossing, means, stop } = await setUp(1_000_000, {
      create: () => Promise.resolve('0123'),
      check: () => Promise.resolve([{ status: 'notfound' }]),
      uploadUrl: () => 'http://127.0.0.1:1/',
      drop: () => Promise.reject(new Problem('unreachable')),
    })
    Object.assign(means.access, { headers: () => ({}) })
    const crossed = crossing.run(stop.signal)
    crossed.catch(() => undefined)
    await vi.waitFor(async () => expect(await means.memory.uploads()).toMatchObject([{ upload: '0123' }]))
    stop.abort(new Error('cancelled'))
    await expect(crossed).rejects.toThrow('cancelled')
    await expect(crossing.drop(stop.signal)).rejects.toThrow('unreachable')
    expect(means.tabs.holds(`${card.size} 1 a.bin`)).toBe(false)
    // It can still be gone on with, or discarded, on the next visit.
    expect(await means.memory.uploads()).toMatchObject([{ upload: '0123' }])
  })
})

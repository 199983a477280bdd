import { describe, expect, it, vi } from 'vitest'
import { Ranges, type Range } from '../../../src/spread/ranges.js'
import { Access } from '../../../page/engine/access.js'
import { carry, type Ways } from '../../../page/engine/carry.js'
import { Problem } from '../../../page/engine/problem.js'
import type { Server } from '../../../page/engine/server.js'
import { Slots } from '../../../page/engine/slots.js'
import { transfer } from '../../../page/engine/transfer.js'

vi.mock('../../../page/engine/transfer.js')

const SIZE = 4 * 1024 * 1024
const FILE = new Blob([new Uint8Array(SIZE)])

/** A server that has these bytes of a file, and is a tenth of a millisecond away for each kilobyte. */
function setUp(there: Range[], line: Ways['line'] = {}) {
  const has = new Ranges(there)
  const puts: Range[] = []
  let going = 0
  let most = 0
  const put = vi.fn(async (_id: string, start: number, { size }: Blob, _signal: AbortSignal) => {
    most = Math.max(most, ++going)
    await new Promise((resolve) => setTimeout(resolve, size / 10_000))
    going -= 1
    const stretch = { start, end: start + size }
    expect(has.in(stretch)).toBe(0)
    has.add(stretch)
    puts.push(stretch)
    return size
  })
  const stand = () => {
    const [first, ...others] = has
    const isFront = first?.start === 0
    return Promise.resolve({ offset: has.front, ahead: isFront ? others : [...has] })
  }
  const server = { uploadUrl: () => '', tripMs: 100, stand, put } as unknown as Server
  const access = new Access({ read: () => undefined, write: () => undefined })
  const ways: Ways = { server, access, slots: new Slots(), limit: { bytes: Infinity }, line }
  // The one connection gets as far as the server's word of what it has.
  vi.mocked(transfer).mockImplementation(async (order) => {
    const { offset, ahead } = await stand()
    order.onBegin(offset, ahead)
    order.signal.throwIfAborted()
  })
  const stop = new AbortController()
  const onBegin = vi.fn()
  const send = (mayEnd: (signal: AbortSignal) => Promise<void> = () => Promise.resolve()) =>
    carry({
      file: FILE,
      upload: '0123',
      ways,
      mayEnd,
      signal: stop.signal,
      onBegin,
      onConfirmed: () => undefined,
      onProgress: () => undefined,
    })
  return { send, stop, put, puts, has, onBegin, ways, most: () => most }
}

const AHEAD = { start: 1_000_000, end: 2_000_000 }

describe('an attempt to send a file', () => {
  it('goes on in pieces with what was brought in pieces, with all connections but one', async () => {
    const { send, has, onBegin, most } = setUp([{ start: 0, end: 1000 }, AHEAD])
    await send()
    expect([...has]).toEqual([{ start: 0, end: SIZE }])
    expect(onBegin.mock.calls).toEqual([[1_001_000]])
    expect(most()).toBe(5)
  })

  it('uses fewer connections while others send, too', async () => {
    const { send, ways, has, most } = setUp([AHEAD])
    const other = new AbortController()
    const forever = ways.slots.use(SIZE, other.signal, () => new Promise(() => undefined))
    forever.catch(() => undefined)
    await ways.slots.use(SIZE, other.signal, () => send())
    expect(has.total).toBe(SIZE)
    expect(most()).toBe(2)
  })

  it('keeps to one connection where there is nothing to be said for several', async () => {
    const { send, put, onBegin } = setUp([{ start: 0, end: 1000 }])
    await send()
    expect(onBegin).toHaveBeenCalledWith(1000)
    expect(put).not.toHaveBeenCalled()
  })

  it('begins with several where they have turned out to be better', async () => {
    const { send, has } = setUp([], { connections: 3 })
    await send()
    expect(has.total).toBe(SIZE)
  })

  it('holds the last bytes back until they may go', async () => {
    const { send, has, puts } = setUp([AHEAD])
    let go: () => void = () => undefined
    const opened = new Promise<void>((resolve) => (go = resolve))
    const sent = send(() => opened)
    await vi.waitFor(() => expect(has.gaps(SIZE)).toEqual([{ start: expect.any(Number), end: SIZE }]))
    await new Promise((resolve) => setTimeout(resolve, 100))
    expect(puts.every(({ end }) => end < SIZE)).toBe(true)
    go()
    await sent
    expect(has.total).toBe(SIZE)
  })

  it.each([
    [new Problem('token'), { kind: 'token' }],
    [new Problem('disk-full'), { kind: 'disk-full' }],
    [new Problem('busy', '', 60_000), { kind: 'busy', retryAfterMs: 60_000 }],
    [new Error('of nobody’s'), { kind: 'silent' }],
  ])('says what went wrong with a piece: %s', async (error, problem) => {
    const { send, put } = setUp([AHEAD])
    put.mockRejectedValue(error)
    await expect(send()).rejects.toMatchObject(problem)
  })

  it('stops with the signal’s reason', async () => {
    const { send, stop, put } = setUp([AHEAD])
    put.mockImplementation(
      (_id, _start, _stretch, signal) =>
        new Promise((_resolve, reject) =>
          signal.addEventListener('abort', () => reject(signal.reason as Error)),
        ),
    )
    const sent = send()
    sent.catch(() => undefined)
    await vi.waitFor(() => expect(put).toHaveBeenCalledTimes(5))
    stop.abort(new Error('paused'))
    await expect(sent).rejects.toThrow('paused')
  })
})

import { describe, expect, it, vi } from 'vitest'
import { Hasher, Hashing } from '../../../page/hashing/hasher.js'
import type { News, Order } from '../../../page/hashing/protocol.js'

const MD5 = 'd41d8cd98f00b204e9800998ecf8427e'

/** The thread's side, in the test's hands. */
class FakeWorker extends EventTarget {
  readonly orders: Order[] = []
  isTerminated = false

  postMessage(order: Order): void {
    this.orders.push(order)
  }

  terminate(): void {
    this.isTerminated = true
  }

  say(news: News): void {
    this.dispatchEvent(new MessageEvent('message', { data: news }))
  }

  fail(): void {
    this.dispatchEvent(new Event('error'))
  }
}

function setUp({ isLineDown = false } = {}) {
  const workers: FakeWorker[] = []
  const createWorker = () => {
    const worker = new FakeWorker()
    workers.push(worker)
    return worker as unknown as Worker
  }
  const hasher = new Hasher(createWorker, () => Promise.resolve(isLineDown))
  const stop = new AbortController()
  const hash = (hashing: Hashing, signal = stop.signal) => {
    const seen: number[] = []
    const result = hasher.hash(hashing, signal, (bytes) => seen.push(bytes))
    result.catch(() => undefined)
    return { result, seen }
  }
  return { hash, workers, worker: () => workers.at(-1)!, stop }
}

const file = (size: number) => new Hashing(new Blob([new Uint8Array(size)]))

describe('the hasher', () => {
  it('hashes one file at a time', async () => {
    const { hash, worker } = setUp()
    const first = hash(file(100))
    hash(file(90))
    expect(worker().orders.map(({ job }) => job)).toEqual([1])
    worker().say({ kind: 'progress', job: 1, at: 50 })
    worker().say({ kind: 'done', job: 1, md5: MD5 })
    expect(await first.result).toBe(MD5)
    expect(first.seen).toEqual([50])
    expect(worker().orders.map(({ job }) => job)).toEqual([1, 2])
  })

  it('takes the smallest that waits first', () => {
    const { hash, worker } = setUp()
    for (const size of [100, 90, 80, 95]) hash(file(size))
    for (const job of [1, 3, 2]) worker().say({ kind: 'done', job, md5: MD5 })
    expect(worker().orders.map(({ job }) => job)).toEqual([1, 3, 2, 4])
  })

  it('lets a big file make room for a much smaller one, and goes on where it was', () => {
    const { hash, worker } = setUp()
    hash(file(1000))
    hash(file(10))
    expect(worker().orders.at(-1)).toEqual({ kind: 'stop', job: 1 })
    const state = new Uint8Array([1, 2, 3])
    worker().say({ kind: 'stopped', job: 1, at: 400, state })
    expect(worker().orders.at(-1)).toMatchObject({ kind: 'begin', job: 2 })
    worker().say({ kind: 'done', job: 2, md5: MD5 })
    expect(worker().orders.at(-1)).toMatchObject({ kind: 'begin', job: 1, at: 400, state })
  })

  it('keeps what has been done when its caller leaves, for the next time', async () => {
    const { hash, worker, stop } = setUp()
    const hashing = file(1000)
    const { result, seen } = hash(hashing)
    worker().say({ kind: 'progress', job: 1, at: 300 })
    stop.abort(new Error('paused'))
    await expect(result).rejects.toThrow('paused')
    worker().say({ kind: 'progress', job: 1, at: 400 })
    expect(seen).toEqual([300])
    const again = hash(hashing, new AbortController().signal)
    const state = new Uint8Array([7])
    worker().say({ kind: 'stopped', job: 1, at: 400, state })
    expect(worker().orders.at(-1)).toMatchObject({ kind: 'begin', job: 2, at: 400, state })
    worker().say({ kind: 'done', job: 2, md5: MD5 })
    expect(await again.result).toBe(MD5)
  })

  it('never goes on from a place whose state it does not have', () => {
    const { hash, worker } = setUp()
    const hashing = file(1000)
    hash(hashing)
    worker().say({ kind: 'progress', job: 1, at: 300 })
    worker().fail()
    hash(hashing)
    expect(worker().orders.at(-1)).toMatchObject({ kind: 'begin', at: 0, state: undefined })
  })

  it('tells everybody who waits when the thread fails, and begins a new one for the next', async () => {
    const { hash, workers, worker } = setUp()
    const [running, waiting] = [hash(file(10)), hash(file(10))]
    worker().fail()
    await expect(running.result).rejects.toMatchObject({ kind: 'no-hash' })
    await expect(waiting.result).rejects.toMatchObject({ kind: 'no-hash' })
    const next = hash(file(10))
    expect(workers).toHaveLength(2)
    worker().say({ kind: 'done', job: 3, md5: MD5 })
    expect(await next.result).toBe(MD5)
  })

  it('tells a thread that does not come up from a line that is down', async () => {
    const { hash, worker } = setUp({ isLineDown: true })
    const { result } = hash(file(10))
    worker().fail()
    await expect(result).rejects.toMatchObject({ kind: 'unreachable' })
  })

  it('tells everybody when there can be no thread', async () => {
    const hasher = new Hasher(
      () => {
        throw new DOMException('denied', 'SecurityError')
      },
      () => Promise.resolve(false),
    )
    const all = [file(10), file(10)].map((each) =>
      hasher.hash(each, new AbortController().signal, () => undefined),
    )
    for (const each of all) await expect(each).rejects.toMatchObject({ kind: 'no-hash' })
  })

  it('does not wait for a file whose reading never ends, once nobody wants it', async () => {
    vi.useFakeTimers()
    try {
      const { hash, workers, worker, stop } = setUp()
      const hung = hash(file(1000))
      const next = hash(file(500), new AbortController().signal)
      stop.abort(new Error('cancelled'))
      await expect(hung.result).rejects.toThrow('cancelled')
      await vi.advanceTimersByTimeAsync(15_000)
      expect(workers[0]!.isTerminated).toBe(true)
      expect(worker().orders).toMatchObject([{ kind: 'begin', job: 2 }])
      worker().say({ kind: 'done', job: 2, md5: MD5 })
      expect(await next.result).toBe(MD5)
    } finally {
      vi.useRealTimers()
    }
  })

  it('says which file can’t be read, and goes on with the others', async () => {
    const { hash, worker } = setUp()
    const [bad, good] = [hash(file(10)), hash(file(10))]
    worker().say({ kind: 'failed', job: 1, why: 'unreadable', detail: 'NotReadableError' })
    await expect(bad.result).rejects.toMatchObject({ kind: 'unreadable', detail: 'NotReadableError' })
    worker().say({ kind: 'done', job: 2, md5: MD5 })
    expect(await good.result).toBe(MD5)
  })
})

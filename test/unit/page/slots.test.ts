import { describe, expect, it } from 'vitest'
import { Slots } from '../../../page/engine/slots.js'

const BIG = 1024 ** 3
const SMALL = 1000

/** Files that are sent until they are told to end. */
function setUp() {
  const slots = new Slots()
  const running = new Map<string, () => void>()
  const send = (name: string, size: number, signal = new AbortController().signal) => {
    const sending = slots.use(size, signal, () => new Promise<void>((end) => running.set(name, end)))
    sending.catch(() => undefined)
    return sending
  }
  const settle = () => new Promise((resolve) => void setTimeout(resolve))
  const names = async () => {
    await settle()
    return [...running.keys()]
  }
  const end = (name: string) => {
    running.get(name)!()
    running.delete(name)
  }
  return { slots, send, names, end }
}

describe('the slots', () => {
  it('send three files at a time, two of them big', async () => {
    const { send, names } = setUp()
    for (const name of ['a', 'b', 'c']) void send(name, BIG)
    for (const name of ['x', 'y']) void send(name, SMALL)
    expect(await names()).toEqual(['a', 'b', 'x'])
  })

  it('let small files pass big ones', async () => {
    const { send, names, end } = setUp()
    for (const name of ['a', 'b', 'c']) void send(name, BIG)
    for (const name of ['x', 'y']) void send(name, SMALL)
    await names()
    end('a')
    expect(await names()).toEqual(['b', 'x', 'y'])
    end('x')
    expect(await names()).toEqual(['b', 'y', 'c'])
  })

  it('forget who has left before the turn came', async () => {
    const { send, names, end } = setUp()
    const left = new AbortController()
    for (const name of ['a', 'b']) void send(name, BIG)
    const sending = send('c', BIG, left.signal)
    void send('d', BIG)
    left.abort(new Error('paused'))
    await expect(sending).rejects.toThrow('paused')
    await names()
    end('a')
    expect(await names()).toEqual(['b', 'd'])
  })

  it('are given back by what fails', async () => {
    const slots = new Slots()
    const { signal } = new AbortController()
    for (let count = 0; count < 5; count++)
      await expect(slots.use(BIG, signal, () => Promise.reject(new Error('no')))).rejects.toThrow('no')
    expect(await slots.use(BIG, signal, () => Promise.resolve('sent'))).toBe('sent')
  })

  it('share the browser’s connections, and leave one to questions', async () => {
    const { slots, send, names, end } = setUp()
    expect(slots.share).toBe(5)
    for (const [files, share] of [
      ['a', 5],
      ['b', 2],
      ['x', 1],
    ] as const) {
      void send(files, files === 'x' ? SMALL : BIG)
      await names()
      expect(slots.share).toBe(share)
    }
    end('a')
    await names()
    expect(slots.share).toBe(2)
  })
})

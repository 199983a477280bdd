import { describe, expect, it } from 'vitest'
import { abortable, Locks } from '../../../page/engine/locks.js'
import { Speed } from '../../../page/engine/speed.js'

const never = new AbortController().signal
const settle = () => new Promise((resolve) => void setTimeout(resolve))

describe('the locks', () => {
  it('let one at a time to each key, in the order in which they came', async () => {
    const locks = new Locks()
    const log: string[] = []
    const ends: (() => void)[] = []
    const use = (key: string, name: string) =>
      locks.use(key, never, () => {
        log.push(name)
        return new Promise<void>((end) => ends.push(end))
      })
    const all = [use('a', 'a1'), use('a', 'a2'), use('b', 'b1')]
    await settle()
    expect(log).toEqual(['a1', 'b1'])
    ends[0]!()
    await settle()
    expect(log).toEqual(['a1', 'b1', 'a2'])
    for (const end of ends) end()
    await Promise.all(all)
  })

  it('go on after one that fails', async () => {
    const locks = new Locks()
    await expect(locks.use('a', never, () => Promise.reject(new Error('no')))).rejects.toThrow('no')
    expect(await locks.use('a', never, () => Promise.resolve(1))).toBe(1)
  })

  it('are left by who is interrupted while waiting, without having run', async () => {
    const locks = new Locks()
    const stop = new AbortController()
    let end = (): void => undefined
    const first = locks.use('a', never, () => new Promise<void>((resolve) => (end = resolve)))
    let ran = false
    const second = locks.use('a', stop.signal, () => Promise.resolve((ran = true)))
    stop.abort(new Error('paused'))
    await expect(second).rejects.toThrow('paused')
    end()
    await first
    expect(await locks.use('a', never, () => Promise.resolve(ran))).toBe(false)
  })
})

describe('a promise that can be left', () => {
  it('gives its result', async () => {
    expect(await abortable(Promise.resolve(7), never)).toBe(7)
  })

  it('is left at once by a signal that has aborted before', async () => {
    await expect(abortable(new Promise(() => undefined), AbortSignal.abort(new Error('x')))).rejects.toThrow(
      'x',
    )
  })
})

describe('the speed', () => {
  it('is not told before there is a second to go by', () => {
    const speed = new Speed()
    speed.add(0, 0)
    speed.add(500, 500)
    expect(speed.bytesPerSecond).toBeUndefined()
    speed.add(2000, 2000)
    expect(speed.bytesPerSecond).toBe(1000)
  })

  it('is that of the last seconds', () => {
    const speed = new Speed()
    for (let second = 0; second <= 60; second++) speed.add(second * 10, second * 1000)
    for (let second = 61; second <= 70; second++) speed.add(600 + (second - 60) * 1000, second * 1000)
    expect(speed.bytesPerSecond).toBe(1000)
  })

  it('begins anew where the server has less than was thought', () => {
    const speed = new Speed()
    speed.add(0, 0)
    speed.add(5000, 2000)
    speed.add(1000, 10_000)
    expect(speed.bytesPerSecond).toBeUndefined()
    speed.add(2000, 12_000)
    expect(speed.bytesPerSecond).toBe(500)
  })
})

import { Locks } from '#src/intake/locks.js'
import { describe, expect, it, vi } from 'vitest'

const tick = () => new Promise((resolve) => void setImmediate(resolve))

describe('Locks', () => {
  it('lets one in at a time, in the order they came', async () => {
    const locks = new Locks()
    const order: string[] = []
    const visit = (name: string) =>
      locks.under('key', async () => {
        order.push(`${name} in`)
        await tick()
        order.push(`${name} out`)
      })
    await Promise.all(['a', 'b', 'c'].map(visit))
    expect(order).toEqual(['a in', 'a out', 'b in', 'b out', 'c in', 'c out'])
    expect(locks.isHeld('key')).toBe(false)
  })

  it('does not let one key wait for another', async () => {
    const locks = new Locks()
    await locks.acquire('a')
    await locks.acquire('b')
    expect(locks.isHeld('a') && locks.isHeld('b')).toBe(true)
  })

  it('asks the holder to leave, and the next holder, too, while others still wait', async () => {
    const locks = new Locks()
    const first = vi.fn()
    const second = vi.fn()
    const release = await locks.acquire('key', first)
    const next = locks.acquire('key', second)
    const third = locks.acquire('key')
    expect(first).toHaveBeenCalledTimes(2)
    release()
    const releaseSecond = await next
    await tick()
    expect(second).toHaveBeenCalledTimes(1)
    releaseSecond()
    await expect(third).resolves.toBeTypeOf('function')
  })

  it('may be released twice without letting two in', async () => {
    const locks = new Locks()
    const release = await locks.acquire('key')
    let inside = 0
    const others = [1, 2].map(() =>
      locks.under('key', async () => {
        inside++
        expect(inside).toBe(1)
        await tick()
        inside--
      }),
    )
    release()
    release()
    await Promise.all(others)
  })

  it('lets one who waits give up without keeping the others out', async () => {
    const locks = new Locks()
    const release = await locks.acquire('key')
    const impatience = new AbortController()
    const impatient = locks.acquire('key', undefined, impatience.signal)
    const patient = locks.acquire('key')
    impatience.abort(new Error('enough'))
    await expect(impatient).rejects.toThrow('enough')
    release()
    await expect(patient).resolves.toBeTypeOf('function')
  })

  it('still works after everybody has left', async () => {
    const locks = new Locks()
    const run = vi.fn(() => Promise.resolve(1))
    await locks.under('key', run)
    await locks.under('key', run)
    await expect(locks.under('key', () => Promise.reject(new Error('no')))).rejects.toThrow('no')
    await locks.under('key', run)
    expect(run).toHaveBeenCalledTimes(3)
  })
})

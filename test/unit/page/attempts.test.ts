import { signal } from '@preact/signals'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { Attempts } from '../../../page/engine/attempts.js'
import type { Step } from '../../../page/engine/card.js'
import { Problem } from '../../../page/engine/problem.js'

const never = new AbortController().signal

describe('attempts', () => {
  beforeEach(() => {
    vi.useFakeTimers()
    // A browser's window hears when the line is back.
    vi.stubGlobal('addEventListener', () => undefined)
    vi.stubGlobal('removeEventListener', () => undefined)
  })
  afterEach(() => {
    vi.useRealTimers()
    vi.unstubAllGlobals()
  })

  /** Fails once, and counts how often it is called. */
  const failing = (problem: Problem) => {
    const action = vi.fn<() => Promise<string>>().mockResolvedValue('done')
    return action.mockRejectedValueOnce(problem)
  }

  it('are made at once, all that wait, when told to hurry', async () => {
    const attempts = new Attempts(signal<Step>({ at: 'waiting' }))
    const actions = [failing(new Problem('busy', '', 60_000)), failing(new Problem('busy', '', 60_000))]
    const all = actions.map((action) => attempts.until(action, never))
    await vi.advanceTimersByTimeAsync(1000)
    attempts.hurry()
    await vi.advanceTimersByTimeAsync(0)
    expect(actions.map((action) => action.mock.calls.length)).toEqual([2, 2])
    expect(await Promise.all(all)).toEqual(['done', 'done'])
  })

  it('are not made at once when the server asks for more than a timer can count', async () => {
    const attempts = new Attempts(signal<Step>({ at: 'waiting' }))
    const action = failing(new Problem('busy', '', 1e13))
    void attempts.until(action, never)
    await vi.advanceTimersByTimeAsync(60_000)
    expect(action).toHaveBeenCalledTimes(1)
  })
})

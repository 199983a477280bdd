import { effect, untracked } from '@preact/signals'
import { useEffect, useState } from 'preact/hooks'
import { useFerry } from '../ferry-context.js'
import { overall, type Overall } from './overall.js'

/** Milliseconds between two sums, for each card: with thousands of them, each sum takes as many steps. */
const PER_CARD_MS = 0.05

/** All cards together, as often as there is time for it. */
export function useOverall(): Overall {
  const { cards } = useFerry()
  const [sum, setSum] = useState(() => untracked(() => overall(cards.value)))
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined
    let leave: (() => void) | undefined
    const look = (): void => {
      let isFirst = true
      const stop = effect(() => {
        if (isFirst) setSum(overall(cards.value))
        else {
          stop()
          timer = setTimeout(look, cards.peek().length * PER_CARD_MS)
        }
        isFirst = false
      })
      leave = stop
    }
    look()
    return () => {
      clearTimeout(timer)
      leave?.()
    }
  }, [cards])
  return sum
}

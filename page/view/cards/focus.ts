import type { RefObject } from 'preact'
import { useLayoutEffect } from 'preact/hooks'
import type { Card } from '../../engine/card.js'
import { useFerry } from '../ferry-context.js'

/** Where a button with the focus goes away because the step has changed, its card takes the focus. */
export function useKeptFocus(card: RefObject<HTMLElement | null>): void {
  const hadFocus = card.current !== null && card.current.contains(document.activeElement)
  useLayoutEffect(() => {
    if (hadFocus && !card.current?.contains(document.activeElement)) card.current?.focus()
  })
}

/** Takes a card away and gives the focus to the next, the one before, or the heading of the page. */
export function useRemoval(): (card: Card) => void {
  const ferry = useFerry()
  return (card) => {
    const item = document.activeElement?.closest('.cards > li')
    const neighbour = item?.nextElementSibling ?? item?.previousElementSibling
    const next = neighbour?.querySelector('article') ?? document.querySelector('h1')
    ferry.cancel(card)
    next?.focus()
  }
}

import { useEffect } from 'preact/hooks'
import type { Overall } from '../cards/overall.js'
import { wholePercent } from '../format/format.js'
import type { Words } from '../words.js'
import { useFavicon } from './favicon.js'

/** Has the tab tell how it stands, in words and with its icon. */
export function useTitle(state: Overall, words: Words): void {
  const title = titleOf(state, words)
  useEffect(() => {
    document.title = title ? `${title} · Ferry` : 'Ferry'
  }, [title])
  useFavicon(state.underWay > 0 ? wholePercent(state.bytes, state.size) : undefined, isDown(state))
}

function titleOf(state: Overall, { text, format }: Words): string | undefined {
  if (state.cards === 0) return undefined
  if (isDown(state)) return text.title.down
  if (state.underWay > 0) return format.percent(state.bytes, state.size)
  if (state.done + state.failed < state.cards) return text.title.paused
  return state.failed > 0 ? text.title.failed : text.title.done
}

/** Whether the line is what everything waits for. */
function isDown({ down, moving }: Overall): boolean {
  return down > 0 && moving === 0
}

import { useEffect, useRef } from 'preact/hooks'
import type { Card, Step } from '../../engine/card.js'
import { useAnnouncer } from '../announcer.js'
import { isolated } from '../format/name.js'
import { useWords } from '../words.js'

/** Tells of a card what matters: that it is done, that it has failed, that the line is down. Not every per cent. */
export function useNews(card: Card): void {
  const announcer = useAnnouncer()
  const { text } = useWords()
  const step = card.step.value
  const before = useRef<Step['at']>(step.at)
  useEffect(() => {
    if (before.current === step.at) return
    before.current = step.at
    const name = isolated(card.name)
    if (step.at === 'done') announcer.tell(text.news.done(name))
    if (step.at === 'failed') announcer.warn(text.news.failed(name, text.failure[step.why].why))
    if (step.at === 'down') announcer.tell(text.trouble[step.why])
  }, [step.at])
}

import { useRef } from 'preact/hooks'
import type { Card } from '../../engine/card.js'
import { useWords } from '../words.js'
import { Actions } from './actions.js'
import { Bar } from './bar.js'
import { Failed } from './failed.js'
import { Result } from './result.js'
import { Status } from './status.js'
import { useKeptFocus } from './focus.js'
import { useNews } from './news.js'

/** One file: what it is, what happens to it, and in the end its link. */
export function CardView({ card }: { card: Card }) {
  const { format } = useWords()
  const article = useRef<HTMLElement>(null)
  const step = card.step.value
  useKeptFocus(article)
  useNews(card)
  return (
    <article class={`card ${step.at}`} aria-label={card.name} tabIndex={-1} ref={article}>
      <h3 class="name" title={card.name}>
        <bdi>{card.name}</bdi>
      </h3>
      <p class="size">{format.bytes(card.size)}</p>
      {step.at === 'done' ? (
        <Result card={card} step={step} />
      ) : step.at === 'failed' ? (
        <Failed card={card} step={step} />
      ) : (
        <>
          <Bar step={step} size={card.size} />
          <div class="foot">
            <Status step={step} size={card.size} there={card.there.value} />
            <Actions card={card} step={step} />
          </div>
        </>
      )}
    </article>
  )
}

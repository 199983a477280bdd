import { batch } from '@preact/signals'
import type { Card } from '../../engine/card.js'
import { useFerry } from '../ferry-context.js'
import { Button } from '../parts/button.js'
import { CopyButton } from '../parts/copy-button.js'
import { useWords } from '../words.js'
import { useOverall } from './use-overall.js'

/** How far all files are together, and what can be done with all of them. */
export function Summary({ cards }: { cards: readonly Card[] }) {
  const { text, format } = useWords()
  const ferry = useFerry()
  const { done, failed, bytes, size } = useOverall()
  const removeFinished = () => {
    batch(() => cards.filter(({ step }) => step.value.at === 'done').forEach((card) => ferry.cancel(card)))
    document.querySelector('h1')?.focus()
  }
  return (
    <div class="summary">
      <p>
        <strong>{text.list.done(format.number(done), format.number(cards.length))}</strong>
        {failed > 0 && <> · {text.list.failed(format.number(failed))}</>}
        {' · '}
        <span class="fact">{text.step.of(format.runningBytes(bytes), format.bytes(size))}</span>
      </p>
      <div class="actions">
        {done >= 2 && (
          <CopyButton label={text.list.copyAll} said={text.news.linksCopied} value={() => linksOf(cards)} />
        )}
        {done > 0 && (
          <Button icon="check" onClick={removeFinished}>
            {text.list.removeFinished}
          </Button>
        )}
      </div>
    </div>
  )
}

/** One on each line. */
function linksOf(cards: readonly Card[]): string {
  return cards.flatMap(({ step: { value: step } }) => (step.at === 'done' ? [step.link] : [])).join('\n')
}

import type { Card, Step } from '../../engine/card.js'
import { useFerry } from '../ferry-context.js'
import { Button } from '../parts/button.js'
import { Icon } from '../parts/icon.js'
import { useWords } from '../words.js'
import { useRemoval } from './focus.js'

/** Why it has ended, and what people can do about it. */
export function Failed({ card, step }: { card: Card; step: Step & { at: 'failed' } }) {
  const { text } = useWords()
  const ferry = useFerry()
  const remove = useRemoval()
  const { why, whatToDo } = text.failure[step.why]
  return (
    <div class="failure">
      <div class="status">
        <p class="why">
          <Icon name="alert" />
          {why}
        </p>
        <p>{whatToDo}</p>
        {step.detail && (
          <p class="detail">
            <bdi>{step.detail}</bdi>
          </p>
        )}
      </div>
      <div class="actions">
        <Button icon="again" kind="tinted" onClick={() => ferry.retry(card)}>
          {text.card.retry}
        </Button>
        <Button icon="cross" kind="bare" onClick={() => remove(card)}>
          {text.card.remove}
        </Button>
      </div>
    </div>
  )
}

import type { Card, Step } from '../../engine/card.js'
import { useFerry } from '../ferry-context.js'
import { Button } from '../parts/button.js'
import { useWords } from '../words.js'
import { useRemoval } from './focus.js'

/** What can be done with a file that is on its way. */
export function Actions({ card, step }: { card: Card; step: Step }) {
  const { text } = useWords()
  const ferry = useFerry()
  const remove = useRemoval()
  return (
    <div class="actions">
      {step.at === 'down' && (
        <Button key="hurry" icon="again" kind="tinted" onClick={() => ferry.hurry(card)}>
          {text.card.tryNow}
        </Button>
      )}
      {step.at === 'paused' ? (
        <Button key="pause" icon="go" kind="tinted" onClick={() => ferry.resume(card)}>
          {text.card.goOn}
        </Button>
      ) : (
        <Button key="pause" icon="pause" kind="bare" onClick={() => ferry.pause(card)}>
          {text.card.pause}
        </Button>
      )}
      <Button key="cancel" icon="cross" kind="bare" onClick={() => remove(card)}>
        {text.card.cancel}
      </Button>
    </div>
  )
}

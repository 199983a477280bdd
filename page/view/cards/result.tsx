import { useId, useRef, useState } from 'preact/hooks'
import type { Card, Step } from '../../engine/card.js'
import { select } from '../browser/copy.js'
import { Button } from '../parts/button.js'
import { CopyButton } from '../parts/copy-button.js'
import { Icon } from '../parts/icon.js'
import { Link } from '../parts/link.js'
import { useWords } from '../words.js'
import { useRemoval } from './focus.js'
import { QrCode } from './qr-code.js'

/** The link, which is what all of this is for. */
export function Result({ card, step }: { card: Card; step: Step & { at: 'done' } }) {
  const { text } = useWords()
  const remove = useRemoval()
  const link = useRef<HTMLAnchorElement>(null)
  const [showsCode, setShowsCode] = useState(false)
  const codeId = useId()
  return (
    <div class="result">
      <Link href={step.link} elementRef={link} />
      <p class="status">
        <Icon name="check" />
        {text.done[step.how]}
      </p>
      <div class="actions">
        <CopyButton
          kind="main"
          label={text.card.copy}
          value={() => step.link}
          onRefused={() => link.current && select(link.current)}
        />
        <a class="button quiet" href={step.link} target="_blank" rel="noopener">
          <Icon name="open" />
          {text.card.open}
        </a>
        <Button icon="qr" isExpanded={showsCode} controls={codeId} onClick={() => setShowsCode(!showsCode)}>
          {text.card.qr}
        </Button>
        <Button icon="cross" kind="icon" onClick={() => remove(card)}>
          {text.card.remove}
        </Button>
      </div>
      {showsCode && (
        <div id={codeId}>
          <QrCode link={step.link} />
        </div>
      )}
    </div>
  )
}

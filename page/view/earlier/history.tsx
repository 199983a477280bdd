import { useId, useRef, useState } from 'preact/hooks'
import type { Past } from '../../engine/ferry.js'
import { select } from '../browser/copy.js'
import { useFerry } from '../ferry-context.js'
import { Button } from '../parts/button.js'
import { CopyButton } from '../parts/copy-button.js'
import { Icon } from '../parts/icon.js'
import { Link } from '../parts/link.js'
import { useWords } from '../words.js'

/** So many are quick to draw. */
const PAGE = 50

/** The links of earlier visits, closed until somebody looks for one. */
export function History() {
  const { text, format } = useWords()
  const ferry = useFerry()
  const past = ferry.history.value
  const [isOpen, setIsOpen] = useState(false)
  const [limit, setLimit] = useState(PAGE)
  const clear = () => {
    ferry.clearHistory()
    document.querySelector('h1')?.focus()
  }
  if (past.length === 0) return null
  return (
    <section class="history" aria-labelledby="history-title">
      <details open={isOpen} onToggle={(event) => setIsOpen(event.currentTarget.open)}>
        <summary>
          <Icon name="chevron" />
          <h2 id="history-title">{text.history.title}</h2>
          <span class="count">{format.number(past.length)}</span>
        </summary>
        {isOpen && (
          <>
            <ul class="sheet">
              {past.slice(0, limit).map((entry) => (
                <li key={`${entry.md5} ${entry.at} ${entry.name}`}>
                  <Row past={entry} />
                </li>
              ))}
            </ul>
            {past.length > limit && (
              <p class="more">
                <Button onClick={() => setLimit(limit + PAGE)}>{text.list.showMore}</Button>
              </p>
            )}
            <div class="clear">
              <p>{text.history.clearMeans}</p>
              <Button onClick={clear}>{text.history.clear}</Button>
            </div>
          </>
        )}
      </details>
    </section>
  )
}

function Row({ past }: { past: Past }) {
  const { text, format } = useWords()
  const link = useRef<HTMLAnchorElement>(null)
  const nameId = useId()
  return (
    <div class="row">
      <p id={nameId} class="name" title={past.name}>
        <bdi>{past.name}</bdi>
      </p>
      <p class="facts">
        {format.bytes(past.size)} ·{' '}
        <time dateTime={new Date(past.at).toISOString()}>{format.when(past.at, Date.now())}</time>
      </p>
      <Link href={past.link} elementRef={link} />
      <div class="actions">
        <CopyButton
          label={text.card.copy}
          about={nameId}
          value={() => past.link}
          onRefused={() => link.current && select(link.current)}
        />
      </div>
    </div>
  )
}

import { useState } from 'preact/hooks'
import { useFerry } from '../ferry-context.js'
import { Button } from '../parts/button.js'
import { useWords } from '../words.js'
import { CardView } from './card-view.js'
import { Summary } from './summary.js'

/** So many cards at once stay quick to draw. */
const PAGE = 100

export function CardList() {
  const { text } = useWords()
  const cards = useFerry().cards.value
  const [limit, setLimit] = useState(PAGE)
  if (cards.length === 0) return null
  return (
    <section class="files" aria-labelledby="files-title">
      <h2 id="files-title" class="unseen">
        {text.list.title}
      </h2>
      {cards.length > 1 && <Summary cards={cards} />}
      {/* Safari takes a list without markers for none, unless told. */}
      <ul class="cards sheet" role="list">
        {cards.slice(0, limit).map((card) => (
          <li key={card.id}>
            <CardView card={card} />
          </li>
        ))}
      </ul>
      {cards.length > limit && (
        <p class="more">
          <Button onClick={() => setLimit(limit + PAGE)}>{text.list.showMore}</Button>
        </p>
      )}
    </section>
  )
}

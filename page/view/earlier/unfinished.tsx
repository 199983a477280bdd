import { useId } from 'preact/hooks'
import type { Unfinished } from '../../engine/ferry.js'
import { useFerry } from '../ferry-context.js'
import { Button } from '../parts/button.js'
import { FileButton } from '../parts/file-button.js'
import { useWords } from '../words.js'

/** What earlier visits have begun. A page may not open a file again by itself, so people choose it. */
export function UnfinishedList() {
  const { text } = useWords()
  const ferry = useFerry()
  const cards = ferry.cards.value
  const rest = ferry.unfinished.value.filter(
    ({ name, size }) => !cards.some((card) => card.name === name && card.size === size),
  )
  if (rest.length === 0) return null
  return (
    <section class="unfinished" aria-labelledby="unfinished-title">
      <h2 id="unfinished-title" tabIndex={-1}>
        {text.unfinished.title}
      </h2>
      <p class="how-to">{text.unfinished.howTo}</p>
      <ul class="sheet">
        {rest.map((upload) => (
          <li key={upload.key}>
            <Row upload={upload} />
          </li>
        ))}
      </ul>
    </section>
  )
}

function Row({ upload }: { upload: Unfinished }) {
  const { text, format } = useWords()
  const ferry = useFerry()
  const { name, size, bytes } = upload
  const nameId = useId()
  const discard = () => {
    ferry.discard(upload)
    document.querySelector<HTMLElement>('#unfinished-title, h1')?.focus()
  }
  return (
    <div class="row">
      <p id={nameId} class="name" title={name}>
        <bdi>{name}</bdi>
      </p>
      <p class="facts">
        {format.bytes(size)}
        {bytes !== undefined && ` · ${text.unfinished.there(format.percent(bytes, size))}`}
      </p>
      <div class="actions">
        <FileButton isSingle label={text.unfinished.choose} about={nameId} />
        <Button icon="cross" about={nameId} onClick={discard}>
          {text.unfinished.discard}
        </Button>
      </div>
    </div>
  )
}

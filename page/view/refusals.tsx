import type { Refusal } from '../engine/ferry.js'
import { useFerry } from './ferry-context.js'
import { isolated } from './format/name.js'
import { Icon } from './parts/icon.js'
import { useWords, type Words } from './words.js'

/** After a whole folder it can be hundreds; these are told one by one. */
const SHOWN = 4

/** What the last choice brought that was not taken in. Always here, so that what comes into it is read out. */
export function Refusals() {
  const refusals = useFerry().refusals.value
  return (
    <div class="refusals" aria-live="polite">
      {refusals.length > 0 && <Notice refusals={refusals} />}
    </div>
  )
}

function Notice({ refusals }: { refusals: readonly Refusal[] }) {
  const words = useWords()
  return (
    <ul class="notice">
      {refusals.slice(0, SHOWN).map((refusal, place) => (
        <li key={place}>
          <Icon name="alert" />
          <span>{describe(refusal, words)}</span>
        </li>
      ))}
      {refusals.length > SHOWN && (
        <li>{words.text.refused.more(words.format.number(refusals.length - SHOWN))}</li>
      )}
    </ul>
  )
}

function describe({ name, why, limit }: Refusal, { text, format }: Words): string {
  if (limit !== undefined) return text.refused.tooLargeFor(isolated(name), format.bytes(limit))
  return text.refused[why](isolated(name))
}

import { useEffect, useState } from 'preact/hooks'
import { useAnnouncer } from '../announcer.js'
import { copy, copyKeys } from '../browser/copy.js'
import { useWords } from '../words.js'
import { Icon } from './icon.js'

interface Properties {
  label: string
  /** The id of what it is for, where only hearing tells one button from the next. */
  about?: string
  value: () => string
  /** What a screen reader hears then. */
  said?: string
  kind?: 'main' | 'quiet'
  /** Selects the text, where the browser lets nothing be copied. */
  onRefused?: () => void
}

/** All its labels lie on each other, so that it stays as wide whichever shows. */
export function CopyButton({ label, about, value, said, kind = 'quiet', onRefused }: Properties) {
  const { text } = useWords()
  const announcer = useAnnouncer()
  const [outcome, setOutcome] = useState<'copied' | 'refused'>()
  useEffect(() => {
    const timer = outcome && setTimeout(() => setOutcome(undefined), outcome === 'copied' ? 2000 : 6000)
    return () => clearTimeout(timer)
  }, [outcome])

  const run = async () => {
    const isCopied = await copy(value())
    setOutcome(isCopied ? 'copied' : 'refused')
    if (!isCopied) onRefused?.()
    announcer.tell(isCopied ? (said ?? text.card.copied) : text.card.pressKeys(copyKeys()))
  }
  return (
    <button
      type="button"
      class={`button copy ${kind} ${outcome ?? ''}`}
      aria-describedby={about}
      onClick={() => void run()}
    >
      <span class="label">
        <Icon name="copy" />
        {label}
      </span>
      <span class="when-copied" aria-hidden="true">
        <Icon name="check" />
        {text.card.copied}
      </span>
      {onRefused && (
        <span class="when-refused" aria-hidden="true">
          {text.card.pressKeys(copyKeys())}
        </span>
      )}
    </button>
  )
}

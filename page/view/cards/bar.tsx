import type { Step } from '../../engine/card.js'
import { useWords } from '../words.js'

/** Runs to and fro while nobody can say how far it is. */
export function Bar({ step, size }: { step: Step; size: number }) {
  const { text } = useWords()
  const isUnknown = step.at === 'asking' || step.at === 'verifying'
  return (
    <progress
      class="bar"
      aria-label={text.card.progress}
      max={Math.max(1, size)}
      {...(!isUnknown && { value: 'bytes' in step ? step.bytes : 0 })}
    />
  )
}

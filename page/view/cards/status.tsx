import type { Step } from '../../engine/card.js'
import { useWords, type Words } from '../words.js'
import { timeLeft } from '../format/time-left.js'
import { Countdown } from './countdown.js'

interface Properties {
  step: Step
  size: number
  there: number
}

/** What happens now. It keeps the room of its longest text, so that nothing below it moves. */
export function Status({ step, size, there }: Properties) {
  const words = useWords()
  return (
    <div class="status">
      <p>{describe(step, size, there, words)}</p>
    </div>
  )
}

function describe(step: Step, size: number, there: number, words: Words) {
  const { text, format } = words
  switch (step.at) {
    case 'waiting':
      return text.step.waiting
    case 'hashing':
      return text.step.hashing(format.percent(step.bytes, size))
    case 'asking':
      return text.step.asking
    case 'elsewhere':
      return text.step.elsewhere(format.percent(step.bytes, size))
    case 'sending':
      return <Sending step={step} size={size} there={there} />
    case 'verifying':
      return text.step.verifying
    case 'down':
      return (
        <>
          <strong>{text.trouble[step.why]}</strong>
          {text.step.between}
          <Countdown until={step.againAt} />
        </>
      )
    case 'paused':
      return text.step.paused(format.percent(step.bytes, size))
    case 'done':
      return text.done[step.how]
    case 'failed':
      return text.failure[step.why].why
  }
}

/**
 * Each figure keeps together, with the dot behind it: no line begins with a dot. Behind the share it is one text, which
 * grows and shrinks at its end, so that nothing moves while figures change.
 */
function Sending({ step, size, there }: Properties & { step: Step & { at: 'sending' } }) {
  const { text, format } = useWords()
  const facts = [
    text.step.of(format.part(step.bytes, size), format.bytes(size)),
    step.bytesPerSecond !== undefined && text.step.perSecond(format.runningBytes(step.bytesPerSecond)),
    step.secondsLeft !== undefined && left(step.secondsLeft, { text, format }),
    there > 0 && text.step.wasThere(format.bytes(there)),
  ].filter((fact) => fact !== false)
  return (
    <>
      <strong class="share">{format.percent(step.bytes, size)}</strong>
      {`\u00a0· ${facts.map((fact) => fact.replaceAll(' ', '\u00a0')).join('\u00a0· ')}`}
    </>
  )
}

function left(seconds: number, { text, format }: Words): string {
  const time = timeLeft(seconds)
  return time === 'almost' ? text.step.almost : text.step.left[time.unit](format.number(time.amount))
}

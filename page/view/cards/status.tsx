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
      <p>{describe(step, size, words)}</p>
      {step.at === 'sending' && there > 0 && (
        <p class="there">{words.text.step.wasThere(words.format.bytes(there))}</p>
      )}
    </div>
  )
}

function describe(step: Step, size: number, words: Words) {
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
      return <Sending step={step} size={size} />
    case 'verifying':
      return text.step.verifying
    case 'down':
      return (
        <>
          <strong>{text.trouble[step.why]}</strong> <Countdown until={step.againAt} />
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

function Sending({ step, size }: { step: Step & { at: 'sending' }; size: number }) {
  const { text, format } = useWords()
  const facts = [
    text.step.of(format.part(step.bytes, size), format.bytes(size)),
    step.bytesPerSecond !== undefined && text.step.perSecond(format.runningBytes(step.bytesPerSecond)),
    step.secondsLeft !== undefined && left(step.secondsLeft, { text, format }),
  ]
  return (
    <>
      <strong>{format.percent(step.bytes, size)}</strong>
      {facts.map(
        (fact) =>
          fact && (
            <>
              {' '}
              · <span class="fact">{fact}</span>
            </>
          ),
      )}
    </>
  )
}

function left(seconds: number, { text, format }: Words): string {
  const time = timeLeft(seconds)
  return time === 'almost' ? text.step.almost : text.step.left[time.unit](format.number(time.amount))
}

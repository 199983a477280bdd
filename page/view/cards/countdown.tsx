import { useEffect, useState } from 'preact/hooks'
import { useWords } from '../words.js'

/** Seconds until something is tried again. `until`: by `performance.now()`. */
export function Countdown({ until }: { until: number }) {
  const { text, format } = useWords()
  const [now, setNow] = useState(() => performance.now())
  useEffect(() => {
    setNow(performance.now())
    const timer = setInterval(() => setNow(performance.now()), 250)
    return () => clearInterval(timer)
  }, [until])
  const seconds = Math.ceil((until - now) / 1000)
  return <span class="fact">{seconds > 0 ? text.step.againIn(format.number(seconds)) : text.step.again}</span>
}

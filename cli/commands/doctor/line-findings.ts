import { choose, doesHelp, gainOf } from './choice.js'
import type { Counted } from './counted.js'
import type { Case, Finding } from './finding.js'
import type { Tried } from './trying.js'
import { tenths } from './numbers.js'
import { firstHop } from './way.js'

/** From that share of the bytes on that went out twice, a line is a bad one. */
const MUCH = 0.01
/** Who waits so many times as long while something is sent, and so many milliseconds longer, waits in a queue. */
const QUEUE = 4
const QUEUE_MS = 200

/** The way there and back; none where nothing was seen of it. */
export function* rttFinding(
  connectMs: number | undefined,
  counted: Counted | undefined,
  at: Case,
): Iterable<Finding> {
  const least = Math.min(connectMs ?? Infinity, counted?.leastMs ?? Infinity)
  if (least === Infinity) return
  const [ms, busyMs] = [tenths(least), counted?.busyMs]
  const { isProxy } = firstHop(at)
  const isQueued = busyMs !== undefined && busyMs > QUEUE * ms && busyMs > QUEUE_MS + ms
  yield {
    step: 'rtt',
    level: isQueued ? 'warning' : 'ok',
    text: at.texts.there(ms, busyMs, isProxy, isQueued),
    facts: { ms, busyMs, to: isProxy ? 'proxy' : 'server' },
  }
}

/** How much had to be sent again. Where several connections bring no more, it is the full line that drops. */
export function lossFinding({ counted, rates }: Tried, { texts }: Case): Finding {
  if (!counted) return { step: 'loss', level: 'ok', text: texts.lossUnknown, facts: { measured: false } }
  const { sent, resent, connections } = counted
  const share = lossOf(counted)
  const isLine = doesHelp(rates)
  const cause = isLine ? 'line' : rates.length > 1 ? 'full' : 'unknown'
  return {
    step: 'loss',
    level: isLine && share >= MUCH ? 'warning' : 'ok',
    text: resent === 0 ? texts.lossless(sent) : texts.resent(percent(share), sent, cause),
    facts: { percent: percent(share), bytes: sent, resentBytes: resent, connections },
  }
}

/** What one connection brings, and what several. */
export function parallelFinding({ rates, broken }: Tried, canJoin: boolean, { texts }: Case): Finding {
  const isMeasured = rates.length > 1
  const facts = { rates, ...(broken && { broken }), ...(!isMeasured && { measured: false }) }
  if (broken) {
    const text = texts.parallelBroken(broken.connections, broken.reason)
    return { step: 'parallel', level: 'warning', text, facts }
  }
  const text = isMeasured ? texts.parallel(rates) : canJoin ? texts.notParallel : texts.cannotJoin
  return { step: 'parallel', level: 'ok', text, facts }
}

/** How many connections an upload would use; none where that is not known. */
export function* autoFinding(
  { rates, broken, counted }: Tried,
  answerMs: number,
  { texts }: Case,
): Iterable<Finding> {
  const gain = gainOf(rates)
  if (broken || gain === undefined) return
  const { connections, reason } = choose(rates, answerMs, counted && lossOf(counted))
  const text = texts.auto(connections, reason, tenths(gain))
  yield { step: 'auto', level: 'ok', text, facts: { connections, reason, gain: tenths(gain) } }
}

function lossOf({ sent, resent }: { sent: number; resent: number }): number {
  return sent > 0 ? resent / sent : 0
}

/** With two digits behind the point, where there is a need for them. */
function percent(share: number): number {
  return Math.round(share * 10_000) / 100
}

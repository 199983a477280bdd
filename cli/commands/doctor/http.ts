import { PATHS } from '../../../src/contract.js'
import { asClientError, systemCodeOf } from '../../errors.js'
import { describe } from '../../messages.js'
import { Server } from '../../server.js'
import { unknownMd5 } from '../items.js'
import { type Answer, exchange } from './exchange.js'
import type { Case, Finding } from './finding.js'
import { jitter, median } from './numbers.js'

const ROUNDS = 5
/** Signatures, leases and certificates bear so much. */
const SKEW_SECONDS = 60

/** Round trips of small requests, and how far the clocks are apart. */
export async function* lookAtHttp(at: Case): AsyncIterable<Finding> {
  const { server, texts, signal } = at
  let url = `${server}${PATHS.health}`
  const times: number[] = []
  let answer: Answer
  try {
    answer = await get(url, at)
    // A proxy may well keep /healthz to itself.
    if (answer.status === 404) url = `${server}${PATHS.check}?md5=${unknownMd5()}`
    for (let round = 0; round < ROUNDS; round++) {
      answer = await get(url, at)
      times.push(answer.ms)
    }
  } catch (error) {
    if (signal.aborted) throw signal.reason
    const reason = systemCodeOf(error) ?? String(error)
    yield { step: 'http', level: 'problem', text: texts.noAnswer(reason), facts: { reason } }
    return
  }
  const [ms = 0, jitterMs] = [median(times), jitter(times)]
  const path = new URL(url).pathname
  const facts = { path, ms, jitterMs, rounds: ROUNDS, status: answer.status }
  const isShaky = jitterMs > 50 && jitterMs > ms / 2
  const text = isShaky ? texts.shaky(ms, jitterMs) : texts.roundTrip(path, ms, jitterMs)
  yield { step: 'http', level: isShaky ? 'warning' : 'ok', text, facts }
  yield* clockFindings(answer, ms, at)
}

function get(url: string, { way, signal }: Case): Promise<Answer> {
  return exchange({ method: 'GET', url, agent: way.agentFor(url), headers: way.headersFor(url), signal })
}

function* clockFindings({ headers }: Answer, ms: number, { texts }: Case): Iterable<Finding> {
  const theirs = Date.parse(headers.date ?? '')
  if (Number.isNaN(theirs)) return
  // The header has whole seconds, cut off: half of one is the best guess.
  const seconds = Math.round((theirs + 500 + ms / 2 - Date.now()) / 1000)
  const level = Math.abs(seconds) > SKEW_SECONDS ? 'warning' : 'ok'
  yield {
    step: 'clock',
    level,
    text: texts.clock(seconds, level === 'warning'),
    facts: { skewSeconds: seconds },
  }
}

/** Whether that is a Ferry server, whether it takes uploads now, and whether a token would be overheard. */
export async function* lookAtFerry(at: Case): AsyncIterable<Finding> {
  const { server, way, texts, messages, signal } = at
  try {
    await new Server(server, signal, way).check(unknownMd5())
  } catch (thrown) {
    if (signal.aborted) throw signal.reason
    const error = asClientError(thrown)
    const facts = { code: error.code, ...(error.facts.status && { status: error.facts.status }) }
    yield { step: 'ferry', level: 'problem', text: describe(error, messages), facts }
    return
  }
  const reasons = await obstacles(at)
  if (reasons.length === 0) yield { step: 'ferry', level: 'ok', text: texts.isFerry }
  else yield { step: 'ferry', level: 'problem', text: texts.notReady(reasons.join('; ')), facts: { reasons } }
  const isOverheard =
    way.hasToken && server.startsWith('http:') && !/\/\/(127\.|localhost|\[::1\])/.test(server)
  if (isOverheard) yield { step: 'token', level: 'warning', text: texts.tokenInClear }
}

/** What /readyz says keeps the server from taking uploads; nothing where it is not shown. */
async function obstacles(at: Case): Promise<string[]> {
  try {
    const { status, body } = await get(`${at.server}${PATHS.ready}`, at)
    const { reasons } = JSON.parse(body) as { reasons?: unknown }
    return status === 503 && Array.isArray(reasons) ? reasons.map(String) : []
  } catch {
    return []
  }
}

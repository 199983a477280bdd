import { PATHS } from '../../../src/contract.js'
import { addressesOf, timeToConnect } from './connect.js'
import type { Case, Finding } from './finding.js'
import { autoFinding, lossFinding, parallelFinding, rttFinding } from './line-findings.js'
import { ask } from './trial.js'
import { tryLanes } from './trying.js'
import type { Sent } from './upload.js'
import { firstHop } from './way.js'

/** Who asks the server several times takes the best: it is the line that counts, and not what else is going on. */
const KNOCKS = 4
const KNOCK_MS = 1500
const QUESTIONS = 3

/**
 * How long the line is, how lossy, and whether several connections bring more than one, of which an upload has shown that
 * already. Takes ten seconds, about.
 */
export async function* lookAtLine(sent: Sent | undefined, at: Case): AsyncIterable<Finding> {
  const connectMs = await timeToFirstHop(at)
  // What keeps one upload from the server has been said.
  if (!sent) return yield* rttFinding(connectMs, undefined, at)
  const { canJoin, answerMs } = await question(at)
  const { bytesPerSecond, counted } = sent
  const alone = { rates: [{ connections: 1, bytesPerSecond }], counted }
  const tried = canJoin ? await tryLanes(sent, at) : alone
  yield* rttFinding(connectMs, tried.counted, at)
  yield lossFinding(tried, at)
  yield parallelFinding(tried, canJoin, at)
  yield* autoFinding(tried, answerMs, at)
}

/** Milliseconds, the least of several connects; undefined where none came through in time. */
async function timeToFirstHop(at: Case): Promise<number | undefined> {
  const signal = AbortSignal.any([at.signal, AbortSignal.timeout(KNOCK_MS)])
  const { port } = firstHop(at)
  const knocks = (await addressesOf(at)).flatMap(({ address }) =>
    Array.from({ length: KNOCKS }, () => timeToConnect(address, port, signal)),
  )
  const all = await Promise.allSettled(knocks)
  if (at.signal.aborted) throw at.signal.reason
  const times = all.flatMap((each) => (each.status === 'fulfilled' ? each.value : []))
  return times.length > 0 ? Math.min(...times) : undefined
}

/** Whether the server joins what comes over several connections, and how fast it says so. */
async function question(at: Case): Promise<{ canJoin: boolean; answerMs: number }> {
  const said = { canJoin: false, answerMs: Infinity }
  try {
    for (let asked = 0; asked < QUESTIONS; asked++) {
      const { headers, ms } = await ask('OPTIONS', `${at.server}${PATHS.tus}`, at)
      const extensions = String(headers['tus-extension'] ?? '').split(',')
      said.canJoin = extensions.some((name) => name.trim() === 'concatenation')
      said.answerMs = Math.min(said.answerMs, ms)
    }
  } catch {
    if (at.signal.aborted) throw at.signal.reason
  }
  return said
}

import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { PATHS } from '../../../src/contract.js'
import { pause } from '../../retry.js'
import { begin, exchange } from './exchange.js'
import type { Case, Finding } from './finding.js'
import { type KnownTrial, patchHeaders } from './trial.js'

const HALF = 64 * 1024
const LOOKS = 16
const LOOK_MS = 250

/**
 * Sends half of a body and asks whether the server has it. Behind a proxy that keeps whole requests back, it has not:
 * then an upload that breaks has to be sent again from where its request began. Undefined where the request is refused, as one
 * that is too large for somebody on the way.
 */
export async function streamingFinding(trial: KnownTrial, at: Case): Promise<Finding | undefined> {
  const { way, texts, signal } = at
  const { url } = trial
  const ending = new AbortController()
  const headers = {
    ...patchHeaders(trial),
    ...way.headersFor(url),
    'content-length': `${2 * HALF}`,
  }
  const question = { method: 'PATCH', url, agent: way.agentFor(url), headers, signal }
  const outgoing = begin(question, AbortSignal.any([signal, ending.signal]))
  // From here on: one that is refused may be closed long before anybody waits for that.
  const closed = once(outgoing, 'close').catch(() => undefined)
  let isRefused = false
  // Nothing else can be said to half a body.
  outgoing.once('response', () => (isRefused = true))
  try {
    outgoing.write(randomBytes(HALF))
    const ms = await timeUntil(trial.offset + 1, trial, at)
    if (isRefused) return undefined
    const level = ms === undefined ? 'warning' : 'ok'
    const text = ms === undefined ? texts.heldBack((LOOKS * LOOK_MS) / 1000) : texts.streams
    return { step: 'streaming', level, text, facts: { streams: ms !== undefined } }
  } finally {
    ending.abort()
    await closed
  }
}

/** Milliseconds until the server has so many bytes; undefined where it does not get them. */
async function timeUntil(
  offset: number,
  { md5 }: KnownTrial,
  { server, way, signal }: Case,
): Promise<number | undefined> {
  const begun = performance.now()
  const url = `${server}${PATHS.check}?md5=${md5}`
  for (let look = 0; look < LOOKS; look++) {
    await pause(LOOK_MS, signal)
    const { body } = await exchange({
      method: 'GET',
      url,
      agent: way.agentFor(url),
      headers: way.headersFor(url),
      signal,
    })
    const standing = JSON.parse(body) as { offset?: unknown }
    if (typeof standing.offset === 'number' && standing.offset >= offset) return performance.now() - begun
  }
  return undefined
}

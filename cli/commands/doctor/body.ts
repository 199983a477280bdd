import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import type { IncomingMessage } from 'node:http'
import { PATHS } from '../../../src/contract.js'
import { systemCodeOf } from '../../errors.js'
import { begin } from './exchange.js'
import type { Case, Finding } from './finding.js'
import { patchHeaders } from './trial.js'

const MIB = 1024 * 1024
/** 64 KiB up to 1 GiB, in powers of two. */
const SIZES = Array.from({ length: 15 }, (_, at) => 65_536 * 2 ** at)
/** Who has nothing against a length by then, has nothing against it. */
const OBJECTION_MS = 3000

/**
 * The largest request body that is let in. Nothing is sent for it: a PATCH to an upload that nobody has only declares
 * its length. Who has a limit answers 413 to that (nginx does, before it reads), Ferry itself 404 without waiting for a
 * body. Not with `Expect: 100-continue`: through a proxy, on a connection that is used again, the http-proxy-agent would
 * ask for the path instead of the URL.
 */
export async function* lookAtBody(at: Case): AsyncIterable<Finding> {
  try {
    yield await limitFinding(at)
  } catch (error) {
    if (at.signal.aborted) throw at.signal.reason
    const reason = systemCodeOf(error) ?? String(error)
    yield { step: 'body', level: 'problem', text: at.texts.uploadBroken(reason), facts: { reason } }
  }
}

async function limitFinding(at: Case): Promise<Finding> {
  const { texts } = at
  const largest = SIZES.at(-1) ?? MIB
  if (await isLetIn(largest, at)) {
    const facts = { bytes: largest, limited: false }
    return { step: 'body', level: 'ok', text: texts.bodyFree(largest), facts }
  }
  const bytes = await largestLetIn(at)
  const text = texts.bodyLimit(bytes, bytes < MIB ? `${bytes / 1024}K` : `${bytes / MIB}M`)
  const level = bytes === 0 ? 'problem' : 'warning'
  return { step: 'body', level, text, facts: { bytes, limited: true } }
}

/** By halves: 0 where not even the smallest is. */
async function largestLetIn(at: Case): Promise<number> {
  let [good, bad] = [-1, SIZES.length - 1]
  while (bad - good > 1) {
    const middle = (good + bad) >> 1
    if (await isLetIn(SIZES[middle] ?? 0, at)) good = middle
    else bad = middle
  }
  return SIZES[good] ?? 0
}

async function isLetIn(bytes: number, { server, way, signal }: Case): Promise<boolean> {
  const url = `${server}${PATHS.tus}/${randomBytes(16).toString('hex')}`
  const ending = new AbortController()
  const timer = setTimeout(() => ending.abort(), OBJECTION_MS)
  const headers = {
    ...patchHeaders({ offset: 0 }),
    ...way.headersFor(url),
    'content-length': `${bytes}`,
  }
  const question = { method: 'PATCH', url, agent: way.agentFor(url), headers, signal }
  const outgoing = begin(question, AbortSignal.any([signal, ending.signal]))
  outgoing.flushHeaders()
  try {
    const [response] = (await once(outgoing, 'response')) as [IncomingMessage]
    return response.statusCode !== 413
  } catch (error) {
    if (ending.signal.aborted) return true
    throw error
  } finally {
    clearTimeout(timer)
    outgoing.destroy()
  }
}

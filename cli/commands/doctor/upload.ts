import { HEADERS, METADATA } from '../../../src/contract.js'
import { systemCodeOf } from '../../errors.js'
import { describe } from '../../messages.js'
import { asReply, problemOf } from '../../reply.js'
import { encodeMetadata } from '../../wire.js'
import { unknownMd5 } from '../items.js'
import type { Counted } from './counted.js'
import type { Case, Finding } from './finding.js'
import { rateOf } from './numbers.js'
import { measure } from './speed.js'
import { streamingFinding } from './streaming.js'
import { countOf } from './tcp.js'
import { type KnownTrial, type Trial, TRIAL_BYTES, Unfit, ask, closeTrial, openTrial } from './trial.js'

/** What one connection has brought. */
export interface Sent {
  bytesPerSecond: number
  /** Undefined where the system does not tell. */
  counted: Counted | undefined
}

/**
 * Creates an upload, sends some of it, takes it back: do methods and headers get through, and how fast is it. Returns what it
 * has seen; undefined where there is a problem.
 */
export async function* lookAtUpload(at: Case): AsyncGenerator<Finding, Sent | undefined> {
  let trial: KnownTrial | undefined
  try {
    trial = await create(at)
    const { bytes, ms } = await measure(trial, at)
    const bytesPerSecond = rateOf(bytes, ms)
    const counted = await countOf(at.way.agentFor(at.server))
    await expectHead(trial, at)
    yield { step: 'protocol', level: 'ok', text: at.texts.protocol }
    const facts = { bytesPerSecond, bytes, ms: Math.round(ms) }
    yield { step: 'upload', level: 'ok', text: at.texts.uploads(bytesPerSecond, bytes), facts }
    const streaming = await streamingFinding(trial, at)
    if (streaming) yield streaming
    return { bytesPerSecond, counted }
  } catch (error) {
    if (at.signal.aborted) throw at.signal.reason
    yield asFinding(error, at)
    return undefined
  } finally {
    if (trial) await closeTrial(trial, at)
  }
}

async function create(at: Case): Promise<KnownTrial> {
  const md5 = unknownMd5()
  const metadata = { [METADATA.md5]: md5, [METADATA.filename]: 'ferry-doctor' }
  const encoded = encodeMetadata(metadata)
  const trial = await openTrial(at, { 'upload-metadata': encoded, [HEADERS.client]: 'doctor' })
  return Object.assign(trial, { md5 })
}

async function expectHead(trial: Trial, at: Case): Promise<void> {
  const answer = await ask('HEAD', trial.url, at)
  if (answer.status !== 200) throw new Unfit('HEAD', answer)
  if (answer.headers['upload-offset'] !== `${trial.offset}`) throw new Unfit('HEAD', answer, 'Upload-Offset')
}

function asFinding(error: unknown, { texts, messages }: Case): Finding {
  if (!(error instanceof Unfit)) {
    const reason = systemCodeOf(error) ?? String(error)
    return { step: 'upload', level: 'problem', text: texts.uploadBroken(reason), facts: { reason } }
  }
  const { method, answer, missing } = error
  if (method === 'POST' && answer.status === 413)
    return { step: 'upload', level: 'warning', text: texts.tooSmall(TRIAL_BYTES), facts: { measured: false } }
  const facts = { method, status: answer.status, ...(missing && { missing }) }
  if (missing) return { step: 'protocol', level: 'problem', text: texts.headerLost(method, missing), facts }
  const reply = asReply(answer.status, () => undefined, answer.body)
  // An answer of Ferry's own says why; else somebody in between does not know the method, or its headers.
  const isOurs = reply.json?.['status'] === 'error' || answer.status === 413 || answer.status >= 500
  const text = isOurs ? describe(problemOf(reply), messages) : texts.methodLost(method, answer.status)
  return { step: isOurs ? 'upload' : 'protocol', level: 'problem', text, facts }
}

import { randomBytes } from 'node:crypto'
import { HEADERS, METADATA } from '../../../src/contract.js'
import { systemCodeOf } from '../../errors.js'
import { describe } from '../../messages.js'
import { asReply, problemOf } from '../../reply.js'
import { encodeMetadata } from '../../wire.js'
import { unknownMd5 } from '../items.js'
import type { Case, Finding } from './finding.js'
import { rateOf } from './numbers.js'
import { streamingFinding } from './streaming.js'
import {
  type KnownTrial,
  type Trial,
  TRIAL_BYTES,
  Unfit,
  append,
  ask,
  closeTrial,
  openTrial,
} from './trial.js'

const KIB = 1024
/** Bodies that grow, so that a slow line is not kept busy for minutes; together 8 MiB. */
const PIECES = [64, 448, 1536, 6144].map((size) => size * KIB)
const ENOUGH_MS = 3000

/** Creates an upload, sends some of it, takes it back: do methods and headers get through, and how fast is it. */
export async function* lookAtUpload(at: Case): AsyncIterable<Finding> {
  let trial: KnownTrial | undefined
  try {
    trial = await create(at)
    const rate = await sendPieces(trial, at)
    await expectHead(trial, at)
    yield { step: 'protocol', level: 'ok', text: at.texts.protocol }
    const facts = { bytesPerSecond: rate.bytesPerSecond, bytes: rate.bytes, ms: rate.ms }
    yield { step: 'upload', level: 'ok', text: at.texts.uploads(rate.bytesPerSecond, rate.bytes), facts }
    const streaming = await streamingFinding(trial, at)
    if (streaming) yield streaming
  } catch (error) {
    if (at.signal.aborted) throw at.signal.reason
    yield asFinding(error, at)
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

async function sendPieces(
  trial: Trial,
  at: Case,
): Promise<{ bytes: number; ms: number; bytesPerSecond: number }> {
  let last = { bytes: 0, ms: 0, bytesPerSecond: 0 }
  const begun = performance.now()
  for (const bytes of PIECES) {
    const answer = await append(trial, randomBytes(bytes), at)
    // A limit on the way: body.ts finds out which. What got through before it can be counted.
    if (answer.status === 413 && last.bytes > 0) break
    if (answer.status !== 204) throw new Unfit('PATCH', answer)
    const { ms } = answer
    last = { bytes, ms: Math.round(ms), bytesPerSecond: rateOf(bytes, ms) }
    if (performance.now() - begun > ENOUGH_MS) break
  }
  return last
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

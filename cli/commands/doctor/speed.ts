import { randomBytes } from 'node:crypto'
import type { Case } from './finding.js'
import { type Trial, Unfit, append } from './trial.js'

const KIB = 1024
/** Bodies that grow, so that a slow line is not kept busy for minutes, and none is larger than a second's; together 8 MiB. */
const PIECES = [64, 448, 1536, 6144].map((size) => size * KIB)
const ENOUGH_MS = 3000
/** By then, in milliseconds, it has become clear what a connection brings in the long run; unless it is too fast for that. */
const SETTLED_MS = 5000
const SECOND = 1000
/** No more than that in all, in bytes. */
const MOST = 8 * KIB * KIB

/** Bytes in milliseconds. */
interface Speed {
  bytes: number
  ms: number
}

/**
 * How fast a trial gets on, over one connection: by pieces that grow, until it is clear or 8 MiB are sent. Throws `Unfit` and the
 * system's errors.
 */
export async function measure(trial: Trial, at: Case): Promise<Speed> {
  const begun = performance.now()
  let last: Speed = { bytes: 0, ms: 0 }
  for (const most of PIECES) {
    const bytes = last.bytes === 0 ? most : Math.min(most, inASecond(last))
    const answer = await append(trial, randomBytes(bytes), at)
    // A limit on the way: body.ts finds out which. What got through before it can be counted.
    if (answer.status === 413 && last.bytes > 0) return last
    if (answer.status !== 204) throw new Unfit('PATCH', answer)
    last = { bytes, ms: answer.ms }
    if (performance.now() - begun > ENOUGH_MS) break
  }
  return settle(last, begun + SETTLED_MS, trial, at)
}

/**
 * Goes on until then. A connection that has been lucky so far is far too fast at first: what a line does to it in the long run
 * shows when it has met with its losses.
 */
async function settle(before: Speed, until: number, trial: Trial, at: Case): Promise<Speed> {
  const all: Speed[] = []
  for (let last = before; performance.now() < until; all.push(last)) {
    const bytes = Math.min(inASecond(last), before.bytes)
    if (trial.offset + bytes > MOST) break
    const answer = await append(trial, randomBytes(bytes), at)
    if (answer.status !== 204) throw new Unfit('PATCH', answer)
    last = { bytes, ms: answer.ms }
  }
  const [bytes, ms] = [
    all.reduce((sum, each) => sum + each.bytes, 0),
    all.reduce((sum, each) => sum + each.ms, 0),
  ]
  return all.length > 0 ? { bytes, ms } : before
}

/** Bytes, no fewer than the first piece had. */
function inASecond({ bytes, ms }: Speed): number {
  return Math.max(64 * KIB, Math.round((bytes / ms) * SECOND))
}

import { systemCodeOf } from '../../errors.js'
import { COUNTS, type Rate, doesHelp } from './choice.js'
import { type Counted, together } from './counted.js'
import type { Case } from './finding.js'
import { Lanes } from './lanes.js'
import { Unfit } from './trial.js'
import type { Sent } from './upload.js'

/** What one connection has brought, and what several. */
export interface Tried {
  /** What each number of connections brought, one of them first, until more helped no more. */
  rates: Rate[]
  /** Where it ended in an error: with how many connections, and why. */
  broken?: { connections: number; reason: string }
  /** Undefined where the system does not tell. */
  counted: Counted | undefined
}

/** Tries several connections as long as they help, and leaves nothing on the server. Throws the signal's reason. */
export async function tryLanes({ bytesPerSecond, counted }: Sent, at: Case): Promise<Tried> {
  const lanes = new Lanes(at, { 'upload-concat': 'partial' })
  const tried: Tried = { rates: [{ connections: 1, bytesPerSecond }], counted }
  let connections = 0
  try {
    for (connections of COUNTS) {
      const bytesPerSecond = await lanes.rate(connections)
      if (bytesPerSecond === 0) break
      tried.rates.push({ connections, bytesPerSecond })
      if (!doesHelp(tried.rates)) break
    }
  } catch (error) {
    if (at.signal.aborted) throw at.signal.reason
    tried.broken = { connections, reason: reasonOf(error) }
  } finally {
    await lanes.close()
  }
  return { ...tried, counted: together([counted, lanes.counted].flatMap((each) => each ?? [])) }
}

function reasonOf(error: unknown): string {
  if (error instanceof Unfit) return `HTTP ${error.answer.status}`
  const isLate = error instanceof DOMException && error.name === 'TimeoutError'
  return isLate ? 'ETIMEDOUT' : (systemCodeOf(error) ?? String(error))
}

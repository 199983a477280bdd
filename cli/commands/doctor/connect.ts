import type { LookupAddress } from 'node:dns'
import { lookup } from 'node:dns/promises'
import { connect } from 'node:net'
import { systemCodeOf } from '../../errors.js'
import type { Case, Finding } from './finding.js'
import { median } from './numbers.js'
import { firstHop } from './way.js'

const TRIES = 3
const TRY_MS = 3000

interface Attempts {
  address: string
  family: number
  /** Milliseconds of each try that came through. */
  times: number[]
  /** Why the last one did not. */
  reason: string
}

/** TCP to the first hop, by each of IPv4 and IPv6 that its name has. One that works is enough. */
export async function* lookAtConnection(at: Case): AsyncIterable<Finding> {
  const { port } = firstHop(at)
  const firsts = await addressesOf(at)
  const all = await Promise.all(firsts.map(({ address, family }) => knock(address, family, port, at.signal)))
  if (at.signal.aborted) throw at.signal.reason
  const isAnyOpen = all.some(({ times }) => times.length > 0)
  for (const attempts of all) yield findingOf(attempts, port, isAnyOpen, at)
}

/** Where the first hop is, an address for each of IPv4 and IPv6 that its name has. */
export async function addressesOf(at: Case): Promise<LookupAddress[]> {
  const addresses = await lookup(firstHop(at).host, { all: true }).catch(() => [])
  return [4, 6].flatMap((wanted) => addresses.find(({ family }) => family === wanted) ?? [])
}

async function knock(address: string, family: number, port: number, signal: AbortSignal): Promise<Attempts> {
  const attempts: Attempts = { address, family, times: [], reason: '' }
  for (let tried = 0; tried < TRIES && !signal.aborted; tried++) {
    try {
      attempts.times.push(await timeToConnect(address, port, signal))
    } catch (error) {
      attempts.reason = systemCodeOf(error) ?? String(error)
    }
  }
  return attempts
}

/** Milliseconds. Throws the system's errors, or an AbortError. */
export function timeToConnect(host: string, port: number, signal: AbortSignal): Promise<number> {
  return new Promise((resolve, reject) => {
    const begun = performance.now()
    const socket = connect({ host, port, signal, timeout: TRY_MS })
    socket.once('connect', () => {
      resolve(performance.now() - begun)
      socket.destroy()
    })
    socket.once('error', reject)
    socket.once('timeout', () => {
      reject(Object.assign(new Error('no answer'), { code: 'ETIMEDOUT' }))
      socket.destroy()
    })
  })
}

function findingOf(attempts: Attempts, port: number, isAnyOpen: boolean, { texts }: Case): Finding {
  const { address, family, times, reason } = attempts
  const ms = median(times)
  const lost = TRIES - times.length
  const where = `IPv${family} ${address}${family === 6 ? ' ' : ':'}${port}`
  const facts = { address, port, family, ms, tries: TRIES, lost, ...(reason && { reason }) }
  if (ms === undefined) {
    const text = isAnyOpen ? texts.familyDead(where, reason) : texts.unconnected(where, reason)
    return { step: 'connect', level: isAnyOpen ? 'warning' : 'problem', text, facts }
  }
  if (lost > 0) return { step: 'connect', level: 'warning', text: texts.lossy(where, ms, lost, TRIES), facts }
  return { step: 'connect', level: 'ok', text: texts.connected(where, ms), facts }
}

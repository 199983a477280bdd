import type { RequestHandler } from 'express'
import type { Registry } from 'prom-client'
import { diskError } from '../errors.js'
import type { Intake } from '../intake/intake.js'
import { note } from './access.js'

/** What keeps the server from taking uploads is looked up at most once in so many milliseconds. */
const FRESH = 1000

/** `GET /healthz`: the process answers. */
export const healthDoor: RequestHandler = (_req, res) => {
  note(res, { door: 'health' })
  res.set('Cache-Control', 'no-store').json({ status: 'ok' })
}

/**
 * `GET /readyz`: 200 where an upload would be taken now, else 503 with the reasons. It listens only when it has
 * recovered; what remains is a disk that can be written and is above its floor, and a ledger.
 */
export function readyDoor(intake: Intake): RequestHandler {
  let asked: Promise<string[]> = Promise.resolve([])
  let askedAt = -Infinity
  return async (_req, res) => {
    note(res, { door: 'health' })
    if (performance.now() - askedAt > FRESH) {
      askedAt = performance.now()
      asked = obstacles(intake)
    }
    const reasons = await asked
    if (reasons.length > 0) note(res, { outcome: 'not-ready' })
    const status = reasons.length === 0 ? { status: 'ok' } : { status: 'error', reasons }
    res
      .status(reasons.length === 0 ? 200 : 503)
      .set('Cache-Control', 'no-store')
      .json(status)
  }
}

/** `GET /metrics`, in Prometheus' text format. */
export function metricsDoor(figures: Registry): RequestHandler {
  return async (_req, res) => {
    note(res, { door: 'metrics' })
    res.set({ 'Content-Type': figures.contentType, 'Cache-Control': 'no-store' })
    res.send(await figures.metrics())
  }
}

async function obstacles({ stores, room }: Intake): Promise<string[]> {
  const checks = [
    () => stores.inbox.probe(),
    () => stores.ledger.write('mark', { name: 'ready', value: '' }),
    () => room.expectFloor(0),
  ]
  const results = await Promise.allSettled(checks.map((check) => check()))
  return results
    .filter((result) => result.status === 'rejected')
    .map(({ reason }) => diskError(reason, 'trying to write').message)
}

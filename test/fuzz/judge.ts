import { fileURLToPath } from 'node:url'
import type { TestServer } from '../support/server.js'
import type { Case } from './mutate.js'

const ROOT = fileURLToPath(new URL('../..', import.meta.url)).replace(/\/$/, '')
/** A line of a stack trace, as V8 writes it. */
const TRACE = /\bat (?:\S+ \(|file:\/\/|node:|\/)[^\n]{0,200}:\d+:\d+/
const DEATH = /UnhandledPromiseRejection|Uncaught|uncaught|node:internal|MaxListenersExceeded|ERR_UNHANDLED/
/** About the request's own protocol: not implemented, and a version that nobody speaks. */
const CLIENTS_FAULT = new Set([501, 505])
/** Said by the guard, before any door. */
const REFUSALS = new Set(['401', '403', '421'])

/** What an answer may not be, in words; undefined where it is right. */
export function faultOfAnswer(received: Buffer, server: TestServer): string | undefined {
  const text = received.toString('latin1')
  for (const [, status] of text.matchAll(/(?:^|[^\w])HTTP\/1\.1 (5\d\d) /g))
    if (!CLIENTS_FAULT.has(Number(status))) return `answered ${status}`
  return leakIn(text, server)
}

/** A right request that the guard refuses never comes to its door, and shows nothing of it. */
export function faultOfRefusal(received: Buffer, { done, cut }: Case): string | undefined {
  const isRight = done.length === 0 && cut === undefined
  const refusal = statusesIn(received).find((status) => REFUSALS.has(status))
  return isRight && refusal !== undefined ? `a right request is answered ${refusal}` : undefined
}

/** What may not stand in the log, in words. */
export function faultOfLog(log: string, server: TestServer): string | undefined {
  const death = DEATH.exec(log)
  if (death) return `the log says ${death[0]}: ${lineAround(log, death.index)}`
  const error = /^\[ERROR\].*$/m.exec(log)
  if (error) return `the log has an error of our own: ${error[0]}`
  const leak = leakIn(log, server)
  return leak && `in the log: ${leak}`
}

function leakIn(text: string, { dir }: TestServer): string | undefined {
  const path = [dir, ROOT, 'node_modules/'].find((part) => text.includes(part))
  if (path !== undefined) return `tells the path ${lineAround(text, text.indexOf(path))}`
  const trace = TRACE.exec(text)
  return trace ? `tells a stack trace: ${lineAround(text, trace.index)}` : undefined
}

function lineAround(text: string, at: number): string {
  const begin = text.lastIndexOf('\n', at) + 1
  const end = text.indexOf('\n', at)
  return text.slice(begin, end < 0 ? undefined : end).slice(0, 300)
}

/** The statuses that an answer has, for the report. */
export function statusesIn(received: Buffer): string[] {
  return [...received.toString('latin1').matchAll(/(?:^|[^\w])HTTP\/1\.1 (\d\d\d) /g)].map(
    ([, status]) => status!,
  )
}

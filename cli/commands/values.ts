import { MOST_CONNECTIONS } from '../../src/spread/pace.js'
import { parseServer } from '../address.js'
import { ClientError } from '../errors.js'
import { parseDuration } from '../options.js'
import type { Flag, Kind } from './flags.js'
import type { CommandTexts } from './messages.js'

/** A duration, and how the user wrote it. */
export interface Duration {
  ms: number
  text: string
}

const MOST_AT_ONCE = 64
const AUTO = 'auto'

const READERS: Record<Kind, (text: string) => unknown> = {
  text: (text) => text || undefined,
  file: (text) => text || undefined,
  address: parseServer,
  duration: (text) => ({ ms: parseDuration(text), text }) satisfies Duration,
  count: (text) => (/^\d{1,3}$/.test(text) ? between(Number(text), 1, MOST_AT_ONCE) : undefined),
  connections: (text) =>
    text === AUTO ? AUTO : /^\d$/.test(text) ? between(Number(text), 1, MOST_CONNECTIONS) : undefined,
  size: parseBytes,
  rate: parseBytes,
}

/** The value of a flag that has one; `label` is how the user gave it (option or variable). Throws `bad-usage` and its like. */
export function readValue(flag: Flag, text: string, label: string, texts: CommandTexts): unknown {
  const kind = flag.kind ?? 'text'
  const value = READERS[kind](text)
  if (value !== undefined) return value
  throw new ClientError('bad-usage', { reason: texts.usage.badValue(label, text, texts.expected[kind]) })
}

/** A switch from the environment. Throws `bad-usage`. */
export function readSwitch(text: string, label: string, texts: CommandTexts): boolean {
  if (/^(1|true|yes|on)$/i.test(text)) return true
  if (/^(|0|false|no|off)$/i.test(text)) return false
  throw new ClientError('bad-usage', { reason: texts.usage.badValue(label, text, texts.expected.switch) })
}

/** @public Bytes as curl's --limit-rate has them: `500K`, `5M`, `1.5G`, powers of 1024; undefined where it is none, or nothing. */
export function parseBytes(text: string): number | undefined {
  const [, amount, unit = ''] = /^(\d+(?:\.\d+)?) ?([kmgt]?)(?:i?b)?$/i.exec(text) ?? []
  if (amount === undefined) return undefined
  const bytes = Math.floor(Number(amount) * 1024 ** ' KMGT'.indexOf(unit.toUpperCase() || ' '))
  return between(bytes, 1, Number.MAX_SAFE_INTEGER)
}

function between(value: number, least: number, most: number): number | undefined {
  return value >= least && value <= most ? value : undefined
}

import { parseSize } from '../config.js'
import { parseMd5, type Md5 } from '../contract.js'
import type { Filter } from '../store/ledger-reads.js'
import type { AdminMessages } from './messages.js'

/** What was typed can't be meant; `message` says what to type instead. */
export class BadUsage extends Error {}

/** The filter of `list`. */
export function parseFilter(wanted: Record<string, string>, messages: AdminMessages): Filter {
  const { name, since, until, min, max } = wanted
  return {
    name,
    since: since === undefined ? undefined : dateOf(since, messages),
    until: until === undefined ? undefined : dateOf(until, messages) - 1,
    least: min === undefined ? undefined : sizeOf(min, messages),
    most: max === undefined ? undefined : sizeOf(max, messages),
  }
}

/** A date alone is its beginning here, not in Greenwich. */
function dateOf(text: string, messages: AdminMessages): number {
  const isDate = /^\d{4}-\d\d-\d\d$/.test(text)
  const moment = Date.parse(isDate ? `${text}T00:00` : text)
  if (Number.isNaN(moment)) throw new BadUsage(messages.badDate(text))
  return moment
}

/** Bytes from `500MB`. */
export function sizeOf(text: string, messages: AdminMessages): number {
  const bytes = parseSize(text)
  if (bytes === undefined) throw new BadUsage(messages.badSize(text))
  return bytes
}

/** An MD5 as it is, as a file's name or as a link. */
export function md5Of(text: string, messages: AdminMessages): Md5 {
  const md5 = parseMd5(text.replace(/^.*\//, '').replace(/\.[a-z0-9]{1,10}$/i, ''))
  if (!md5) throw new BadUsage(messages.badMd5(text))
  return md5
}

import type { Range } from './ranges.js'

/** What a `Ferry-Ahead` header tells (contract.ts): stretches of an upload, in bytes; undefined where there is none. */
export function parseAhead(text: string | null | undefined): Range[] | undefined {
  const ranges = text?.split(',').map((range) => /^(\d{1,16})-(\d{1,16})$/.exec(range.trim()))
  return ranges?.flatMap((match) => (match ? [{ start: Number(match[1]), end: Number(match[2]) }] : []))
}

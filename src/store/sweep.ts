import type { Inbox } from './inbox.js'
import type { Ledger } from './ledger.js'

/** Ended uploads are remembered for so many times the life of an idle one, so that their ids answer 410, not 404. */
const MEMORY = 8

/** Removes the parts that belong to none of the open uploads; returns how many. */
export async function sweepParts(inbox: Inbox, open: Set<string>): Promise<number> {
  let swept = 0
  for await (const part of inbox.parts()) {
    if (open.has(part)) continue
    await inbox.remove(part)
    swept++
  }
  return swept
}

/** Forgets uploads that ended long ago; returns how many. `ttlHours`: the life of an idle upload. */
export async function sweepRows(ledger: Ledger, ttlHours: number): Promise<number> {
  const ended = ledger.read.ended(Date.now() - MEMORY * ttlHours * 3_600_000)
  await Promise.all(ended.map((part) => ledger.write('forget', part)))
  return ended.length
}

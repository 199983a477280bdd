import { setTimeout as sleep } from 'node:timers/promises'
import type { Arriving } from '../store/rows.js'
import type { Stock } from '../store/verify.js'
import type { AdminMessages } from './messages.js'
import { duration, plain, size, table, type Terminal } from './terminal.js'

/** How long the speed is watched, in milliseconds: checkpoints come every second. */
const WATCHED = 2200

/** `uploads`: what is arriving. Speeds are those of the last two seconds. */
export async function uploads(
  { ledger }: Stock,
  { json, terminal, messages }: { json: boolean; terminal: Terminal; messages: AdminMessages },
): Promise<void> {
  const before = new Map(ledger.read.arriving().map(({ part, brought }) => [part, brought]))
  if (before.size > 0) await sleep(WATCHED, undefined, { signal: terminal.signal })
  const rows = ledger.read.arriving().map((row) => {
    const rate = Math.max(0, row.brought - (before.get(row.part) ?? 0)) / (WATCHED / 1000)
    return { row, rate: Math.round(rate) }
  })
  if (json) for (const { row, rate } of rows) terminal.out(JSON.stringify(asJson(row, rate)))
  else if (rows.length === 0) terminal.err(messages.noUploads)
  else {
    const lines = rows.map(({ row, rate }) => asCells(row, rate))
    for (const line of table([messages.columns.uploads, ...lines])) terminal.out(line)
  }
}

/** An id in full lets anybody go on with the upload, so only its beginning is shown. */
function asJson(row: Arriving, rate: number): object {
  const { id, state, md5, filename, brought, address, createdAt, touchedAt } = row
  return {
    id: id.slice(0, 8),
    door: state === 'form' ? 'form' : 'tus',
    md5: md5 ?? null,
    filename,
    bytes: brought,
    size: row.size ?? null,
    rate,
    from: address ?? null,
    created: new Date(createdAt).toISOString(),
    touched: new Date(touchedAt).toISOString(),
  }
}

function asCells(row: Arriving, rate: number): string[] {
  const { id, state, filename, brought, address, createdAt, touchedAt } = row
  const percent = row.size ? ` (${Math.floor((brought / row.size) * 100)}%)` : ''
  return [
    id.slice(0, 8),
    state === 'form' ? 'form' : 'tus',
    `${size(brought)}${row.size === undefined ? '' : ` / ${size(row.size)}`}${percent}`,
    `${size(rate)}/s`,
    duration(Date.now() - createdAt),
    duration(Date.now() - touchedAt),
    address ?? '-',
    plain(filename || '-'),
  ]
}

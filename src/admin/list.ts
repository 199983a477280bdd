import type { Filter } from '../store/ledger-reads.js'
import type { Stock } from '../store/verify.js'
import type { AdminMessages } from './messages.js'
import { moment, plain, size, table, type Terminal } from './terminal.js'

/** `list`: what the shelf has. */
export function list(
  { ledger }: Stock,
  filter: Filter,
  { json, terminal, messages }: { json: boolean; terminal: Terminal; messages: AdminMessages },
): void {
  const rows = [messages.columns.list]
  let bytes = 0
  let files = 0
  for (const content of ledger.read.contents(filter)) {
    files++
    bytes += content.size ?? 0
    const { md5, file, filename, storedAt, isVerified } = content
    if (json) {
      const stored = new Date(storedAt).toISOString()
      terminal.out(
        JSON.stringify({ md5, file, filename, size: content.size ?? null, stored, verified: isVerified }),
      )
    } else rows.push([md5, size(content.size), moment(storedAt), plain(filename || file)])
  }
  if (json) return
  for (const line of table(rows)) terminal.out(line)
  terminal.err(messages.listed(files, size(bytes)))
}

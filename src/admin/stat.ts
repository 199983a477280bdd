import type { Md5 } from '../contract.js'
import type { Stock } from '../store/verify.js'
import type { AdminMessages } from './messages.js'
import { moment, plain, size, table, type Terminal } from './terminal.js'

interface How {
  json: boolean
  terminal: Terminal
  messages: AdminMessages
}

/** `stat`: how much there is. */
export async function stat(
  { ledger, shelf, inbox }: Stock,
  isServing: boolean,
  { json, terminal, messages }: How,
): Promise<void> {
  const { files, bytes } = ledger.read.totals()
  const open = ledger.read.arriving().length
  const [quarantined, free] = [await shelf.quarantined(), await inbox.free()]
  const cursor = ledger.read.mark('scrub') ?? ''
  const scrubbed = cursor === '' ? 0 : Math.floor((parseInt(cursor.slice(0, 4), 16) / 0x10000) * 100)
  if (json)
    return terminal.out(
      JSON.stringify({ files, bytes, open, quarantined, free, scrubbed, serving: isServing }),
    )
  const { totals } = messages
  const rows = [
    [totals.server, messages.serving(isServing)],
    [totals.shelf, messages.listed(files, size(bytes))],
    [totals.quarantine, String(quarantined)],
    [totals.open, String(open)],
    [totals.free, size(free)],
    [totals.scrub, `${scrubbed}%`],
  ]
  for (const line of table(rows)) terminal.out(line)
}

/** `stat <md5>`: all about one content; false where there is none. */
export function statOne({ ledger, shelf }: Stock, md5: Md5, { json, terminal, messages }: How): boolean {
  const content = shelf.find(md5)
  const listed = ledger.read.content(md5)
  if (!content || !listed) {
    terminal.err(messages.unknown(md5))
    return false
  }
  const { file, filename, storedAt, isVerified, sha256 } = listed
  const path = shelf.path(file)
  if (json) {
    const stored = new Date(storedAt).toISOString()
    const known = { md5, sha256: sha256 ?? null, file, filename, size: content.size }
    terminal.out(JSON.stringify({ ...known, stored, verified: isVerified, path }))
    return true
  }
  const note = isVerified ? '' : ` (${messages.unverified})`
  const [head, sizeHead, storedHead, nameHead] = messages.columns.list as [string, string, string, string]
  const rows = [
    [head, md5 + note],
    ['SHA-256', sha256 ?? messages.notComputed],
    [sizeHead, `${size(content.size)} (${content.size})`],
    [storedHead, moment(storedAt)],
    [nameHead, plain(filename || file)],
    ['', path],
  ]
  for (const line of table(rows)) terminal.out(line)
  return true
}

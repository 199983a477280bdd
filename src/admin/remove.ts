import type { Md5 } from '../contract.js'
import type { Stock } from '../store/verify.js'
import type { AdminMessages } from './messages.js'
import type { Terminal } from './terminal.js'

/**
 * `delete`: first the files go, durably, then the ledger's row; a kill in between leaves a row without a file, of which
 * /check says notfound and which the next start drops. Returns false where one of them is not there.
 */
export async function remove(
  { shelf, ledger }: Stock,
  md5s: Md5[],
  { terminal, messages }: { terminal: Terminal; messages: AdminMessages },
): Promise<boolean> {
  let all = true
  for (const md5 of md5s) {
    const removed = await shelf.remove(md5)
    const row = ledger.read.content(md5)
    if (row) await ledger.write('forgetContent', { md5, file: row.file, path: shelf.path(row.file) })
    for (const file of removed) terminal.out(messages.removed(file))
    if (removed.length > 0) continue
    terminal.err(messages.unknown(md5))
    all = false
  }
  return all
}

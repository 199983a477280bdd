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
  const removed = await shelf.remove(new Set(md5s))
  for (const file of removed) terminal.out(messages.removed(file))
  let all = true
  for (const md5 of md5s) {
    const row = ledger.read.content(md5)
    if (row) await ledger.write('forgetContent', { md5, file: row.file, path: shelf.path(row.file) })
    if (removed.some((file) => file.toLowerCase().startsWith(md5))) continue
    terminal.err(messages.unknown(md5))
    all = false
  }
  return all
}

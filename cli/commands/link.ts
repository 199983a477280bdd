import { ClientError } from '../errors.js'
import { uploadingElsewhere } from '../server.js'
import { askerFor, md5Of } from './items.js'
import type { Session } from './session.js'

/**
 * `ferry link`: the permanent link of each file or MD5, or with `--expires` one that opens a closed file for so long.
 * Throws `unknown-content`, `uploading-elsewhere`, or `no-expiry`: a link that never ends is not what was asked for.
 */
export async function linkCommand(
  items: readonly string[],
  { given, order, tools }: Session,
): Promise<number> {
  const ask = askerFor(order, tools)
  const expires = given.expires && Math.ceil(given.expires.ms / 1000)
  for (const item of items) {
    const md5 = await md5Of(item, tools)
    const standing = await ask({ md5 }, expires)
    if (standing.status === 'notfound') throw new ClientError('unknown-content', { subject: item })
    if (standing.status === 'uploading') throw uploadingElsewhere(standing)
    const url = expires === undefined ? standing.url : standing.signed
    if (url === undefined) throw new ClientError('no-expiry', { subject: order.server })
    tools.results.add(url, { argument: item, md5, url })
  }
  return 0
}

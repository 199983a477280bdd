import { ClientError } from '../errors.js'
import { uploadingElsewhere } from '../server.js'
import { askerFor, md5Of } from './items.js'
import type { Session } from './session.js'

/** `ferry link`: the permanent link of each file or MD5. Throws `unknown-content` or `uploading-elsewhere`. */
export async function linkCommand(items: readonly string[], { order, tools }: Session): Promise<number> {
  const ask = askerFor(order, tools)
  for (const item of items) {
    const md5 = await md5Of(item, tools)
    const standing = await ask(md5)
    if (standing.status === 'notfound') throw new ClientError('unknown-content', { subject: item })
    if (standing.status === 'uploading') throw uploadingElsewhere(standing)
    tools.results.add(standing.url, { argument: item, md5, url: standing.url })
  }
  return 0
}

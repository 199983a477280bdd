import { once } from 'node:events'
import type { IncomingMessage } from 'node:http'
import { type Md5, parseMd5 } from '../../../src/contract.js'
import { asClientError } from '../../errors.js'
import { describe } from '../../messages.js'
import { Server } from '../../server.js'
import { begin } from './exchange.js'
import type { Case, Finding } from './finding.js'
import { rateOf } from './numbers.js'

const MOST_BYTES = 8 * 1024 * 1024
const MOST_MS = 5000

/** How fast the beginning of a known content comes. */
export async function* lookAtDownload(md5: Md5 | undefined, at: Case): AsyncIterable<Finding> {
  const { texts, messages, signal } = at
  if (!md5) {
    yield { step: 'download', level: 'ok', text: texts.nothingToDownload, facts: { measured: false } }
    return
  }
  try {
    const standing = await new Server(at.server, signal, at.way).check(md5)
    if (standing.status === 'exists') yield await fetchSome(standing.url, at)
    else yield { step: 'download', level: 'warning', text: texts.notThere(md5), facts: { measured: false } }
  } catch (thrown) {
    if (signal.aborted) throw signal.reason
    yield { step: 'download', level: 'problem', text: describe(asClientError(thrown), messages) }
  }
}

/** The MD5 in what the user gave: an MD5, or the address of a content. */
export function md5In(text: string): Md5 | undefined {
  return parseMd5(/([0-9a-f]{32})(\.[a-z0-9]{1,10})?$/i.exec(text)?.[1])
}

async function fetchSome(url: string, { way, texts, signal }: Case): Promise<Finding> {
  const headers = { range: `bytes=0-${MOST_BYTES - 1}`, ...way.headersFor(url) }
  const limit = AbortSignal.timeout(MOST_MS)
  const begun = performance.now()
  const outgoing = begin(
    { method: 'GET', url, agent: way.agentFor(url), headers, signal },
    AbortSignal.any([signal, limit]),
  )
  outgoing.end()
  let bytes = 0
  let status = 0
  try {
    const [response] = (await once(outgoing, 'response')) as [IncomingMessage]
    status = response.statusCode ?? 0
    if (status < 300)
      for await (const piece of response) if ((bytes += (piece as Buffer).length) >= MOST_BYTES) break
  } catch (error) {
    // Time is up: what has come by now is enough to count.
    if (!limit.aborted || bytes === 0) throw signal.aborted ? signal.reason : error
  } finally {
    outgoing.destroy()
  }
  const ms = performance.now() - begun
  const facts = { url, status, bytes, bytesPerSecond: rateOf(bytes, ms) }
  if (status >= 300) return { step: 'download', level: 'problem', text: texts.noDownload(url, status), facts }
  // Without ranges a download that breaks starts over.
  const isRanged = status === 206
  const text = isRanged ? texts.downloads(rateOf(bytes, ms), bytes) : texts.noRanges(url)
  return { step: 'download', level: isRanged ? 'ok' : 'warning', text, facts }
}

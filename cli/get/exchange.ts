import { once } from 'node:events'
import http, { type Agent, type IncomingMessage } from 'node:http'
import https from 'node:https'
import { ClientError, systemCodeOf } from '../errors.js'

export interface Exchange {
  method: 'GET' | 'HEAD'
  url: URL
  headers: Record<string, string>
  agent: Agent
  signal: AbortSignal
  /** Without a byte for so long (ms) the exchange is over. */
  stallMs: number
}

/**
 * Sends a request without a body and resolves with the head of the answer; follows no redirects. Throws `stalled`, the
 * system's errors or an AbortError. Not `fetch`: that refuses to talk to some eighty ports.
 */
export async function exchange({ method, url, stallMs, ...options }: Exchange): Promise<IncomingMessage> {
  const { request } = url.protocol === 'https:' ? https : http
  const outgoing = request(url, { method, ...options })
  // Once there is an answer, what breaks shows in its body, too; here it would end the process.
  outgoing.on('error', () => undefined)
  const timer = setTimeout(() => outgoing.destroy(stalled(stallMs)), stallMs)
  try {
    outgoing.end()
    const [response] = (await once(outgoing, 'response')) as [IncomingMessage]
    return response
  } finally {
    clearTimeout(timer)
  }
}

/** The body as it comes. Only waiting for the line counts towards a stall (ms), not the time the taker needs. */
export async function* bodyOf(response: IncomingMessage, stallMs: number): AsyncGenerator<Buffer> {
  let timer: NodeJS.Timeout | undefined
  const wait = () => {
    timer = setTimeout(() => response.destroy(stalled(stallMs)), stallMs)
  }
  wait()
  try {
    for await (const chunk of response) {
      clearTimeout(timer)
      yield chunk as Buffer
      wait()
    }
  } finally {
    clearTimeout(timer)
  }
}

/** The beginning of a body that is not the file's: at most so many bytes of it. */
export async function beginningOf(
  response: IncomingMessage,
  bytes: number,
  stallMs: number,
): Promise<string> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of bodyOf(response, stallMs)) {
    chunks.push(chunk)
    if ((size += chunk.length) > bytes) break
  }
  return Buffer.concat(chunks).toString('utf8')
}

/** What an exchange threw, as an error with a code. `isKnown`: somebody has answered at this address before. */
export function asLineError(error: unknown, host: string, isKnown: boolean): ClientError {
  if (error instanceof ClientError) return error
  const reason = systemCodeOf(error) ?? String(error)
  if (isKnown) return new ClientError('line-down', { reason }, { cause: error })
  if (reason === 'ENOTFOUND') return new ClientError('host-unknown', { subject: host }, { cause: error })
  // It answers, but in another language than HTTP, or as somebody else than its certificate says.
  if (/^HPE_|SSL|TLS|CERT|UNABLE_TO/.test(reason))
    return new ClientError('not-ferry', { subject: host, reason }, { cause: error })
  return new ClientError('line-down', { reason }, { cause: error })
}

function stalled(ms: number): ClientError {
  return new ClientError('stalled', { reason: `${Math.round(ms / 1000)}` })
}

import { once } from 'node:events'
import http, { type Agent, type IncomingMessage } from 'node:http'
import https from 'node:https'
import { type Reply, asReply } from './reply.js'

/** Answers to our own requests are small; who sends more is not a ferry server. */
export const MAX_BODY_BYTES = 64 * 1024

/**
 * Sends a request, with a small body or none, and reads the whole answer. Follows no redirects. Throws the system's
 * errors, or an AbortError. Not `fetch`: that refuses to talk to some eighty ports, 10080 and 6000 among them.
 */
export async function request(
  method: string,
  url: string,
  headers: Record<string, string>,
  signal: AbortSignal,
  { body, agent }: { body?: Uint8Array | undefined; agent?: Agent | undefined } = {},
): Promise<Reply> {
  const { request: open } = url.toLowerCase().startsWith('https:') ? https : http
  const outgoing = open(url, { method, headers, signal, ...(agent && { agent }) })
  outgoing.end(body)
  const [response] = (await once(outgoing, 'response')) as [IncomingMessage]
  const text = await readBody(response)
  const header = (name: string) => {
    const value = response.headers[name]
    return typeof value === 'string' ? value : undefined
  }
  return asReply(response.statusCode ?? 0, header, text)
}

async function readBody(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of response) {
    const bytes = chunk as Buffer
    chunks.push(bytes)
    if ((size += bytes.length) > MAX_BODY_BYTES) break
  }
  return Buffer.concat(chunks).toString('utf8')
}

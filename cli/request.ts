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
  return replyOf(response)
}

/** A body that is sent as it comes. */
export interface Sending {
  bytes: AsyncIterable<Uint8Array>
  signal: AbortSignal
  /** Resolves when so many bytes may go. */
  pace: (bytes: number) => Promise<void>
  /** So many of the body's bytes have gone out; asked for several times a second. */
  onSent: (bytes: number) => void
}

/** How often it is looked how much has gone out, in milliseconds. */
const LOOK = 200

/** A POST with such a body, and its whole answer, which may come before all has been sent. Throws as `request`. */
export async function send(
  url: string,
  headers: Record<string, string>,
  { bytes, signal, pace, onSent }: Sending,
  agent?: Agent,
): Promise<Reply> {
  const { request: open } = url.toLowerCase().startsWith('https:') ? https : http
  const outgoing = open(url, { method: 'POST', headers, signal, ...(agent && { agent }) })
  let isAnswered = false
  const answered = (once(outgoing, 'response') as Promise<[IncomingMessage]>).finally(
    () => (isAnswered = true),
  )
  answered.catch(() => undefined)
  let written = 0
  const watch = setInterval(() => onSent(written - outgoing.writableLength), LOOK)
  try {
    for await (const piece of bytes) {
      await pace(piece.length)
      if (isAnswered) break
      written += piece.length
      if (!outgoing.write(piece)) await Promise.race([once(outgoing, 'drain', { signal }), answered])
    }
    outgoing.end()
    const [response] = await answered
    onSent(written)
    return await replyOf(response)
  } finally {
    clearInterval(watch)
    // Whoever answers before the end does not want the rest.
    if (!outgoing.writableFinished) outgoing.destroy()
  }
}

async function replyOf(response: IncomingMessage): Promise<Reply> {
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

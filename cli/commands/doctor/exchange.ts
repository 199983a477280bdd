import { once } from 'node:events'
import http, { type Agent, type IncomingHttpHeaders, type IncomingMessage } from 'node:http'
import https from 'node:https'
import type { Socket } from 'node:net'

export interface Question {
  method: string
  url: string
  agent: Agent
  signal: AbortSignal
  headers?: Record<string, string>
  body?: Buffer
  /** Milliseconds. */
  withinMs?: number
  /** Talks to a server even if its certificate is not trusted: never with a secret. */
  trustsAnybody?: true
}

export interface Answer {
  status: number
  headers: IncomingHttpHeaders
  body: string
  /** From the request to the last byte of the answer. */
  ms: number
  socket: Socket
}

const MAX_BODY_BYTES = 64 * 1024
/** Long enough for any line on which work is possible. */
const ANSWER_MS = 20_000

/** One request and its answer, with the time it took. Throws the system's errors; `ETIMEDOUT` where nothing came in time. */
export async function exchange(question: Question): Promise<Answer> {
  const { body, withinMs = ANSWER_MS } = question
  const timeout = AbortSignal.timeout(withinMs)
  const begun = performance.now()
  try {
    const outgoing = begin(question, AbortSignal.any([question.signal, timeout]))
    outgoing.end(body)
    const [response] = (await once(outgoing, 'response')) as [IncomingMessage]
    const { socket, statusCode = 0, headers } = response
    const text = await textOf(response)
    return { status: statusCode, headers, body: text, ms: performance.now() - begun, socket }
  } catch (error) {
    if (question.signal.aborted) throw question.signal.reason
    throw timeout.aborted
      ? Object.assign(new Error('no answer', { cause: error }), { code: 'ETIMEDOUT' })
      : error
  }
}

/** The request with its headers said, its body not yet. */
export function begin(question: Question, signal: AbortSignal): http.ClientRequest {
  const { method, url, agent, headers = {}, body, trustsAnybody } = question
  const { request } = url.toLowerCase().startsWith('https:') ? https : http
  const length = body && { 'content-length': `${body.length}` }
  const outgoing = request(url, {
    method,
    agent,
    signal,
    headers: { ...headers, ...length },
    ...(trustsAnybody && { rejectUnauthorized: false }),
  })
  // Whoever waits for the answer hears of it; a late error must not end the program.
  outgoing.on('error', () => undefined)
  return outgoing
}

async function textOf(response: IncomingMessage): Promise<string> {
  let text = ''
  response.setEncoding('utf8')
  for await (const piece of response) if ((text += String(piece)).length > MAX_BODY_BYTES) break
  return text
}

import type { IncomingMessage, ServerResponse } from 'node:http'

/** How a sender that has not finished is let down. */
export interface Farewell {
  /** Up to so many bytes of what it still sends are read and dropped. */
  drain: number
  /** Milliseconds until the connection is closed in any case. */
  within: number
}

/** For senders that look at the answer only after their last byte (curl -F, Python's http.client, old form posts). */
export const DRAIN: Farewell = { drain: 1024 ** 3, within: 60_000 }

/** For senders that listen while they send (every tus client): they stop by themselves, and nothing is read. */
export const LINGER: Farewell = { drain: 0, within: 2000 }

/**
 * Answers before the body has been read. Node closes the socket at `end()`, and what is unread then makes it a reset
 * that can overtake the answer; so the answer is written whole, and the end waits until the sender has taken notice.
 */
export function answerEarly(
  req: IncomingMessage,
  res: ServerResponse,
  answer: { status: number; headers: Record<string, string>; body?: string },
  { drain, within }: Farewell,
): void {
  const body = answer.body ?? ''
  const length =
    body === '' && answer.status === 204 ? {} : { 'Content-Length': String(Buffer.byteLength(body)) }
  if (req.complete || req.destroyed) {
    res.writeHead(answer.status, { ...answer.headers, ...length }).end(body)
    return
  }
  res.writeHead(answer.status, { ...answer.headers, ...length, Connection: 'close' })
  if (body === '') res.flushHeaders()
  else res.write(body)
  waitForSender(req, { drain, within }, () => {
    res.end()
    // The body has been left unread on purpose: nobody may wait for it.
    req.destroy()
  })
}

function waitForSender(req: IncomingMessage, { drain, within }: Farewell, then: () => void): void {
  let left = drain
  const end = (): void => {
    clearTimeout(timer)
    req.off('data', count).off('end', end).off('close', end)
    then()
  }
  const count = (chunk: Buffer): void => {
    left -= chunk.length
    if (left <= 0) end()
  }
  const timer = setTimeout(end, within)
  req.on('end', end).on('close', end)
  if (drain > 0) req.on('data', count).resume()
}

/** Tells a client that waits for it (`Expect: 100-continue`, RFC 9110 10.1.1) to send its body. */
export function welcomeBody(req: IncomingMessage, res: ServerResponse): void {
  if (/^100-continue$/i.test(req.headers.expect ?? '') && !res.headersSent) res.writeContinue()
}

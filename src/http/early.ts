import type { IncomingMessage, ServerResponse } from 'node:http'

/** How a sender that has not finished is let down. */
export interface Farewell {
  /** Whether what it still sends is read and dropped. */
  drain: boolean
  /** Milliseconds without a byte from it after which the connection is closed in any case. */
  patience: number
}

/**
 * For senders that look at the answer only after their last byte (Python's http.client, old form posts). However much
 * they still send: whoever closes before that makes their answer a "connection reset".
 */
export const DRAIN: Farewell = { drain: true, patience: 60_000 }

/** For senders that listen while they send (every tus client): they stop by themselves, and nothing is read. */
export const LINGER: Farewell = { drain: false, patience: 2000 }

/**
 * Answers before the body has been read. Node closes the socket at `end()`, and what is unread then makes it a reset
 * that can overtake the answer; so the answer is written whole, and the end waits until the sender has taken notice.
 * Returns whether somebody was there to be answered.
 */
export function answerEarly(
  req: IncomingMessage,
  res: ServerResponse,
  answer: { status: number; headers: Record<string, string>; body?: string },
  farewell: Farewell,
): boolean {
  const isAnswered = res.socket !== null && !res.socket.destroyed
  const body = answer.body ?? ''
  const length =
    body === '' && answer.status === 204 ? {} : { 'Content-Length': String(Buffer.byteLength(body)) }
  if (req.complete || req.destroyed) {
    res.writeHead(answer.status, { ...answer.headers, ...length }).end(body)
    return isAnswered
  }
  res.writeHead(answer.status, { ...answer.headers, ...length, Connection: 'close' })
  if (body === '') res.flushHeaders()
  else res.write(body)
  waitForSender(req, farewell, () => {
    res.end()
    // The body may have been left unread on purpose: nobody may wait for it.
    req.destroy()
  })
  return isAnswered
}

function waitForSender(req: IncomingMessage, { drain, patience }: Farewell, then: () => void): void {
  const end = (): void => {
    clearTimeout(timer)
    req.off('data', heard).off('end', end).off('close', end)
    then()
  }
  const timer = setTimeout(end, patience)
  const heard = (): void => void timer.refresh()
  req.on('end', end).on('close', end)
  if (drain) req.on('data', heard).resume()
}

/** Tells a client that waits for it (`Expect: 100-continue`, RFC 9110 10.1.1) to send its body. */
export function welcomeBody(req: IncomingMessage, res: ServerResponse): void {
  if (/^100-continue$/i.test(req.headers.expect ?? '') && !res.headersSent) res.writeContinue()
}

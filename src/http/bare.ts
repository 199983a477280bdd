import { STATUS_CODES } from 'node:http'
import type { Duplex } from 'node:stream'
import type { FerryError } from '../errors.js'
import { errorHeaders, errorReply, statusOf } from './errors.js'

/** How long a sender has to read why it is refused, in milliseconds. */
const LINGER = 1000
/** So many may be doing that at a time; the others only see the connection close. */
const MOST = 200

/** Answers connections on which no request has come about, and closes them. */
export class BareAnswers {
  #lingering = 0

  /** `onRefusal` hears the code of each. */
  constructor(readonly onRefusal: (code: string) => void) {}

  /** What the sender still sends is dropped meanwhile: closing before would be a reset that overtakes the answer. */
  refuse(socket: Duplex, error: FerryError): void {
    this.onRefusal(error.code)
    socket.on('error', () => undefined)
    if (this.#lingering >= MOST || !socket.writable) return void socket.destroy()
    this.#lingering += 1
    const timer = setTimeout(() => socket.destroy(), LINGER)
    socket.once('close', () => {
      this.#lingering -= 1
      clearTimeout(timer)
    })
    socket.end(asText(error))
    socket.resume()
  }
}

/** An error as an HTTP/1.1 response in full. */
function asText(error: FerryError): string {
  const status = statusOf(error, 'json')
  const body = JSON.stringify(errorReply(error))
  const headers = {
    'Content-Type': 'application/json; charset=utf-8',
    'Content-Length': Buffer.byteLength(body),
    'Cache-Control': 'no-store',
    ...errorHeaders(error),
    Connection: 'close',
  }
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}`)
  return [`HTTP/1.1 ${status} ${STATUS_CODES[status]}`, ...lines, '', body].join('\r\n')
}

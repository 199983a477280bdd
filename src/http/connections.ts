import { readFile } from 'node:fs/promises'
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { FerryError } from '../errors.js'
import { Tally } from '../tally.js'
import type { BareAnswers } from './bare.js'

/** The sender is no longer there, with its request or without. */
const GONE = new Set(['ECONNRESET', 'EPIPE', 'HPE_INVALID_EOF_STATE'])
/** Seconds after which somebody who found no connection free may try again. */
const RETRY_AFTER = 5
/** So many descriptors, or half of them where there are not so many, connections leave to files. */
const FOR_FILES = 2000

/** How many connections may be open at a time; 0: any number. */
export interface ConnectionLimits {
  maxConnections: number
  maxConnectionsPerAddress: number
}

/**
 * Refuses connections beyond the limits before HTTP has spent anything on them. `isProxy`: a trusted proxy's connections are
 * those of many, and count in all only.
 */
export async function limitConnections(
  server: Server,
  { maxConnections, maxConnectionsPerAddress }: ConnectionLimits,
  answers: BareAnswers,
  isProxy: (address: string | undefined) => boolean,
): Promise<void> {
  const open = new Tally()
  const most = Math.min(maxConnections || Infinity, await descriptorsLeft())
  const excess = (address: string | undefined): string | undefined => {
    if (open.total >= most) return 'the server has as many connections as it may'
    const isOver = maxConnectionsPerAddress > 0 && open.of(address) >= maxConnectionsPerAddress
    return isOver && !isProxy(address) ? 'your address has as many connections as it may' : undefined
  }
  const speakHttp = server.listeners('connection') as ((this: Server, socket: Socket) => void)[]
  server.removeAllListeners('connection')
  server.on('connection', (socket: Socket) => {
    const { remoteAddress } = socket
    const reason = excess(remoteAddress)
    if (reason)
      return answers.refuse(
        socket,
        new FerryError('too-many-connections', `${reason}; try again later`, { retryAfter: RETRY_AFTER }),
      )
    open.add(remoteAddress)
    socket.once('close', () => open.remove(remoteAddress))
    for (const listener of speakHttp) listener.call(server, socket)
  })
}

/** How many connections the system has descriptors for, as far as it says (Linux). */
async function descriptorsLeft(): Promise<number> {
  const limits = await readFile('/proc/self/limits', 'utf8').catch(() => '')
  const most = Number(/^Max open files +(\d+)/m.exec(limits)?.[1] ?? Infinity)
  return Math.max(most - FOR_FILES, Math.floor(most / 2))
}

/** Says in words, as JSON, what keeps a request from being one; closes where an answer is already under way. */
export function answerBroken(server: Server, answers: BareAnswers): void {
  /** The answers that each connection waits for. */
  const awaited = new WeakMap<Duplex, Set<ServerResponse>>()
  const refused = new WeakSet<Duplex>()
  const expectAnswer = ({ socket }: IncomingMessage, res: ServerResponse): void => {
    const all = awaited.get(socket) ?? new Set()
    awaited.set(socket, all.add(res))
    res.once('close', () => all.delete(res))
  }
  server.prependListener('request', expectAnswer)
  server.prependListener('checkContinue', expectAnswer)
  server.on('clientError', (error: NodeJS.ErrnoException, socket) => {
    if (refused.has(socket)) return // whatever else it sends
    refused.add(socket)
    const [first, second] = awaited.get(socket) ?? []
    // Between the answers to others, or in the midst of its own, or to nobody, there is nothing to be said.
    if (second || first?.headersSent || GONE.has(error.code ?? '')) socket.destroy()
    else answers.refuse(socket, inWords(error))
  })
}

function inWords(cause: NodeJS.ErrnoException): FerryError {
  if (cause.code === 'HPE_HEADER_OVERFLOW')
    return new FerryError('header-too-large', 'the request’s head is larger than 16 KiB', { cause })
  if (cause.code === 'ERR_HTTP_REQUEST_TIMEOUT')
    return new FerryError('too-slow', 'the request’s head did not come in time', { cause })
  return new FerryError('bad-request', 'this is not an HTTP request that can be understood', { cause })
}

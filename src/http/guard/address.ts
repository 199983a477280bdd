import type { Request } from 'express'
import type { IncomingMessage } from 'node:http'
import { isIP } from 'node:net'

/**
 * Where a request comes from: the address at the other end of the connection, or what proxies that TRUST_PROXY names say
 * in `X-Forwarded-For`. Nothing but an address ever comes out, IPv4 in its own form; undefined where the connection is
 * gone.
 */
export function addressOf(req: Pick<IncomingMessage, 'socket'>): string | undefined {
  // Express goes along the header as its setting `trust proxy` says; the socket alone where the request never met it.
  const told = (req as Partial<Request>).ip
  const address = told !== undefined && isIP(told) > 0 ? told : req.socket.remoteAddress
  return address?.replace(/^::ffff:(?=\d+\.\d+\.\d+\.\d+$)/i, '')
}

import type { Express } from 'express'
import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import { networkInterfaces } from 'node:os'
import type { Config } from './config.js'
import { BareAnswers } from './http/bare.js'
import { answerBroken, limitConnections } from './http/connections.js'

/** A request's head is as large as that at most, in bytes. */
const HEAD = 16 * 1024
/** It has to come within so many milliseconds, which is looked at so often. */
const HEADERS = 20_000
const CHECKING = 5000

/**
 * An HTTP server that is patient with slow senders and cuts silent ones. `onRefusal` hears the code of each that it turns
 * away itself. Rejects with the system's error.
 */
export async function listen(
  app: Express,
  config: Config,
  onRefusal: (code: string) => void,
): Promise<Server> {
  const { bind, port, leaseSeconds } = config
  const server = createServer({ connectionsCheckingInterval: CHECKING, maxHeaderSize: HEAD }, app)
  // A transfer may take days as long as it moves; Node's default would cut it after 300 s.
  server.requestTimeout = 0
  server.headersTimeout = HEADERS
  // No byte in either direction for a whole lease: nobody is there.
  server.timeout = leaseSeconds * 1000
  // Each door says itself whether it wants the body, so that a known file is not sent at all.
  server.on('checkContinue', app)
  const answers = new BareAnswers(onRefusal)
  answerBroken(server, answers)
  const isTrusted = app.get('trust proxy fn') as (address: string | undefined, hops: number) => boolean
  await limitConnections(server, config, answers, (address) => isTrusted(address, 0))
  server.listen(port, bind)
  await once(server, 'listening')
  return server
}

/** The addresses by which other machines may reach this one. */
export function otherAddresses(): string[] {
  return Object.values(networkInterfaces())
    .flatMap((addresses) => addresses ?? [])
    .filter(
      ({ internal, family, address }) => !internal && (family === 'IPv4' || !address.startsWith('fe80')),
    )
    .map(({ address }) => address)
}

export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || host.startsWith('127.')
}

import type { Express } from 'express'
import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import { networkInterfaces } from 'node:os'

/** An HTTP server that is patient with slow senders and cuts silent ones. Rejects with the system's error. */
export async function listen(
  app: Express,
  bind: string,
  port: number,
  leaseSeconds: number,
): Promise<Server> {
  const server = createServer(app)
  // A transfer may take days as long as it moves; Node's default would cut it after 300 s.
  server.requestTimeout = 0
  server.headersTimeout = 20_000
  // No byte in either direction for a whole lease: nobody is there.
  server.timeout = leaseSeconds * 1000
  // Each door says itself whether it wants the body, so that a known file is not sent at all.
  server.on('checkContinue', app)
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

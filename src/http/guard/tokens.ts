import { createHash, timingSafeEqual } from 'node:crypto'
import type { IncomingMessage } from 'node:http'

/** Secrets that open something. What is kept of them, and compared, are their hashes. */
export class Tokens {
  readonly #hashes: readonly Buffer[]

  constructor(tokens: readonly string[]) {
    this.#hashes = tokens.map(hashOf)
  }

  get isEmpty(): boolean {
    return this.#hashes.length === 0
  }

  /** Whether the request brings one of them. It takes the same time whichever it is, and if it is none. */
  openFor(req: IncomingMessage): boolean {
    const presented = hashOf(presentedBy(req) ?? '')
    const hits = this.#hashes.map((hash) => timingSafeEqual(hash, presented))
    return hits.includes(true)
  }
}

/** @public The token in `Authorization`: after `Bearer` (RFC 6750 2.1), or the password of `Basic` (RFC 7617). */
export function presentedBy({ headers }: IncomingMessage): string | undefined {
  const [, scheme, credentials = ''] = /^(bearer|basic) +(\S+) *$/i.exec(headers.authorization ?? '') ?? []
  if (scheme === undefined) return undefined
  if (scheme.toLowerCase() === 'bearer') return credentials
  const [, password] = /^[^:]*:(.*)$/s.exec(Buffer.from(credentials, 'base64').toString()) ?? []
  return password
}

function hashOf(token: string): Buffer {
  return createHash('sha256').update(token).digest()
}

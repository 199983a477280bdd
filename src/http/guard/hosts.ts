import type { Request, RequestHandler } from 'express'
import { isIP } from 'node:net'
import { bareHost } from '../../config-guard.js'
import { FerryError } from '../../errors.js'
import { refuse } from './refuse.js'

/**
 * Only by these names are we spoken to (421 otherwise, RFC 9110 15.5.20): a page whose name was made to point at our
 * address would else read us as its own origin (DNS rebinding). `ours`: hosts that stand in our links. Who sends no
 * `Host` is no browser.
 */
export function hostGuard(ours: readonly string[], allowed: readonly string[]): RequestHandler {
  const names = new Set([...ours.map(bareHost), ...(allowed.length > 0 ? allowed : ['localhost'])])
  const isFine = (host: string): boolean =>
    names.has(host) || names.has('*') || (allowed.length === 0 && isIP(host) > 0)
  return (req, res, next) => {
    const host = hostOf(req)
    if (host === undefined || isFine(host)) return next()
    refuse(req, res, wrongHost())
  }
}

/** The name by which the request calls us, as `bareHost` writes it. */
export function hostOf({ headers }: Request): string | undefined {
  return headers.host === undefined ? undefined : bareHost(headers.host)
}

function wrongHost(): FerryError {
  return new FerryError(
    'wrong-host',
    'this server does not go by that name; if it should, name it in ALLOWED_HOSTS (or HOST, or PUBLIC_URL) in .env',
  )
}

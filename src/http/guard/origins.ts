import type { Request, RequestHandler } from 'express'
import type { IncomingMessage } from 'node:http'
import { PATHS } from '../../contract.js'
import { FerryError } from '../../errors.js'
import { refuse } from './refuse.js'

/** Whose pages may use us. */
export class Origins {
  readonly #own: string
  readonly #allowed: ReadonlySet<string>

  constructor(publicUrl: string, allowed: readonly string[]) {
    this.#own = new URL(publicUrl).origin
    this.#allowed = new Set(allowed)
  }

  /** The value of `Access-Control-Allow-Origin` for a page of this origin; undefined for pages that may not read us. */
  readableBy(origin: string | undefined): string | undefined {
    if (this.#allowed.has('*')) return '*'
    return origin !== undefined && this.#allowed.has(origin) ? origin : undefined
  }

  /** True where the operator says that all may. */
  get areAll(): boolean {
    return this.#allowed.has('*')
  }

  get areNone(): boolean {
    return this.#allowed.size === 0
  }

  /**
   * Whether a page that may not sends this. A browser that tells the relation is believed, since no script can forge it:
   * behind a proxy that rewrites `Host` it knows better than we do (Go's CrossOriginProtection judges alike). Without it
   * (plain HTTP) `Origin` has to be ours. Who sends neither is no browser.
   */
  areViolatedBy({ headers }: IncomingMessage): boolean {
    const { origin, host, 'sec-fetch-site': site } = headers
    if (this.readableBy(origin) !== undefined) return false
    if (site !== undefined) return site !== 'same-origin' && site !== 'none'
    return (
      origin !== undefined && origin !== this.#own && authorityOf(origin) !== authorityOf(`http://${host}`)
    )
  }
}

/** Refuses what a foreign page would change here: 403. Reading is closed to it by the browser. */
export function originGuard(origins: Origins): RequestHandler {
  return (req, res, next) => {
    if (!isWrite(req) || !origins.areViolatedBy(req)) return next()
    refuse(req, res, wrongOrigin())
  }
}

/** CORS (Fetch 3.2) for the pages of allowed origins, here alone: the tus library's own words are switched off. */
export function corsGuard(origins: Origins): RequestHandler {
  return (req, res, next) => {
    if (!origins.areNone && !origins.areAll) res.vary('Origin')
    const allowed = origins.readableBy(req.headers.origin)
    if (allowed !== undefined) res.set({ 'Access-Control-Allow-Origin': allowed, ...EXPOSED })
    const isTus = req.baseUrl.toLowerCase() === PATHS.tus
    // The tus door answers its own OPTIONS: they tell more than a preflight wants.
    if (req.method !== 'OPTIONS' || isTus) return next()
    if (allowed !== undefined) res.set(PREFLIGHT)
    res.set('Allow', METHODS).status(204).end()
  }
}

const METHODS = 'GET, HEAD, POST, OPTIONS'
const EXPOSED = {
  'Access-Control-Expose-Headers':
    'Content-Location, Ferry-Ahead, Location, Retry-After, Tus-Extension, Tus-Max-Size, Tus-Resumable, Tus-Version, Upload-Concat, Upload-Defer-Length, Upload-Expires, Upload-Length, Upload-Metadata, Upload-Offset',
}
const PREFLIGHT = {
  'Access-Control-Allow-Methods': METHODS,
  'Access-Control-Allow-Headers': 'Authorization, Content-Type, Ferry-Client',
  'Access-Control-Max-Age': '86400',
}

/** Whatever the library should once make of a method that stands in a header, it is a write here. */
function isWrite(req: Request): boolean {
  return (
    !['GET', 'HEAD', 'OPTIONS'].includes(req.method) || req.headers['x-http-method-override'] !== undefined
  )
}

/** Host and port of an origin; browsers leave a scheme's own port away, and we don't see the scheme. */
function authorityOf(origin: string): string | undefined {
  return URL.canParse(origin) ? new URL(origin).host.replace(/:(80|443)$/, '') : undefined
}

function wrongOrigin(): FerryError {
  return new FerryError(
    'wrong-origin',
    'pages of another site may not do that here; if this one should, name its origin in ALLOWED_ORIGINS in .env (behind a proxy set PUBLIC_URL, too)',
  )
}

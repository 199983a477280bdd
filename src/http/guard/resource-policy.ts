import type { RequestHandler } from 'express'

/** `Cross-Origin-Resource-Policy` (Fetch 3.7): whether pages of other sites may embed what is answered. */
export function resourcePolicy(who: 'same-origin' | 'cross-origin'): RequestHandler {
  return (_req, res, next) => {
    res.set('Cross-Origin-Resource-Policy', who)
    next()
  }
}

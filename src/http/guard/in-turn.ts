import type { NextFunction, RequestHandler } from 'express'

/** Several handlers as one: the router compares each of its own with the request's path, whether that says a word or not. */
export function inTurn(...handlers: RequestHandler[]): RequestHandler {
  return (req, res, next) => {
    const from =
      (at: number): NextFunction =>
      (error?: unknown) => {
        const handler = handlers[at]
        if (error !== undefined || !handler) return next(error)
        void handler(req, res, from(at + 1))
      }
    from(0)()
  }
}

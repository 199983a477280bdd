import express, { type ErrorRequestHandler, type Express } from 'express'
import { PATHS } from './contract.js'
import { FerryError } from './errors.js'
import { accessLog, note } from './http/access.js'
import { bindDoor, checkDoor } from './http/check.js'
import { plainBodies } from './http/encoding.js'
import { asFerryError, sendError } from './http/errors.js'
import { filesDoor } from './http/files.js'
import type { Guards } from './http/guard/guards.js'
import { inTurn } from './http/guard/in-turn.js'
import { resourcePolicy } from './http/guard/resource-policy.js'
import { healthDoor, metricsDoor, readyDoor } from './http/health.js'
import type { Links } from './http/links.js'
import { pageDoor } from './http/page.js'
import { tusDoor } from './http/tus/door.js'
import { uploadDoor } from './http/upload.js'
import type { Intake } from './intake/intake.js'
import type { Log } from './log.js'
import type { Messages } from './messages.js'
import type { Metrics } from './metrics.js'
import type { Shelf } from './store/shelf.js'

export interface Deps {
  intake: Intake
  shelf: Shelf
  links: Links
  guards: Guards
  log: Log
  messages: Messages
  metrics: Metrics
  /** The folder with the built page. */
  page: string
}

/** The routes, in reading order. */
export function createApp({ intake, shelf, links, guards, log, messages, metrics, page }: Deps): Express {
  const app = express()
  app.disable('x-powered-by')
  app.disable('etag')
  app.set('trust proxy', guards.trustProxy)
  app.use(inTurn(accessLog(log, messages, metrics), resourcePolicy('same-origin')))
  app.get(PATHS.health, healthDoor)
  app.get(PATHS.ready, readyDoor(intake))
  app.use(inTurn(guards.host, guards.filesHost, guards.origin))
  app
    .route(PATHS.check)
    .all(inTurn(guards.cors, guards.check))
    .get(checkDoor(intake, links))
    .post(bindDoor(intake, links))
  app.use([PATHS.upload, PATHS.tus], guards.cors)
  app.use([PATHS.upload, PATHS.tus, PATHS.metrics], guards.upload)
  app.use(PATHS.files, resourcePolicy('cross-origin'), guards.files)
  app.use([PATHS.upload, PATHS.tus], plainBodies)
  app.post(PATHS.upload, uploadDoor(intake, links))
  app.all(`${PATHS.tus}{/*rest}`, tusDoor(intake, links))
  app.get(`${PATHS.files}/:name`, filesDoor(shelf, guards.areFilesClosed))
  app.get(['/', `${PATHS.page}/*rest`], pageDoor(page))
  app.get(PATHS.metrics, metricsDoor(metrics.registry))
  app.use(() => {
    throw new FerryError('not-found', 'no such address here; try /check, /upload, /tus or /files')
  })
  const answer: ErrorRequestHandler = (error: unknown, _req, res, next) => {
    const known = asFerryError(isClientFault(error) ? badRequest(error) : error)
    note(res, { error: known })
    if (res.headersSent) return next(error)
    sendError(res, known)
  }
  app.use(answer)
  return app
}

/** Express and its parts say with a 4xx status that the request itself was wrong. */
function isClientFault(error: unknown): error is Error {
  if (!(error instanceof Error) || error instanceof FerryError || !('status' in error)) return false
  return typeof error.status === 'number' && error.status >= 400 && error.status < 500
}

function badRequest(cause: Error): FerryError {
  return new FerryError('bad-request', 'the request is malformed', { cause })
}

import { Server } from '@tus/server'
import type { RequestHandler, Response as Answer } from 'express'
import { setTimeout as pause } from 'node:timers/promises'
import { NodeRequest, sendNodeResponse } from 'srvx/node'
import { HEADERS, PATHS } from '../../contract.js'
import { FerryError } from '../../errors.js'
import { randomId } from '../../intake/arrival.js'
import { piecesOf } from '../../intake/concat.js'
import type { Intake } from '../../intake/intake.js'
import type { Upload } from '../../intake/standing.js'
import { WHOLE } from '../../intake/whole.js'
import { note, type Facts } from '../access.js'
import { answerEarly, LINGER, welcomeBody } from '../early.js'
import { addressOf } from '../guard/address.js'
import { asFerryError, errorHeaders, errorReply, statusOf } from '../errors.js'
import type { Links } from '../links.js'
import { takeBodies, withOwnBody } from './body.js'
import { answerSlowly, concatHeader, declaredConcat, RESUMABLE, type Patience, withLength } from './concat.js'
import { intakeLocker } from './locker.js'
import { IntakeStore, type Sender } from './store.js'

const ID = /\/([0-9a-f]{32})\/?$/
/** How long a request that is asked to leave its upload may take (milliseconds; the library reads 0 as 3000). */
const DRAIN_TIMEOUT = 500

/** By the request that something is about. */
interface Notes {
  failures: WeakMap<object, FerryError>
  /** The uploads that come whole, and those that others are joined to. */
  wholes: WeakMap<object, string>
  finals: WeakMap<object, string>
  /** What a creation is in a concatenation. */
  concats: WeakMap<object, string>
}

/** Answers before any usual proxy, or our own lease, gives up. */
function patienceOf({ leaseSeconds }: Intake['options']): Patience {
  return { quiet: Math.min(20_000, leaseSeconds * 300), breath: Math.min(10_000, leaseSeconds * 300) }
}

/**
 * tus 1.0: creation, creation-with-upload, creation-defer-length, termination, expiration, concatenation. `patience`: how
 * long a join is waited for.
 */
export function tusDoor(
  intake: Intake,
  links: Links,
  patience: Patience = patienceOf(intake.options),
): RequestHandler {
  const notes: Notes = {
    failures: new WeakMap(),
    wholes: new WeakMap(),
    finals: new WeakMap(),
    concats: new WeakMap(),
  }
  const { failures, wholes, finals } = notes
  const server = createServer(intake, links, notes)
  return async (req, res, next) => {
    if (req.method === 'GET') return next() // the library would read a part; a content has its own address
    const upload = req.method === 'PATCH' ? lookAt(intake, idIn(req.path)) : undefined
    note(res, { door: 'tus', upload: upload?.id, ...factsOf(upload) })
    if (upload?.state === 'finished' && piecesOf(upload.concat)) throw patchesFinal(res)
    if (upload?.state === 'finished')
      return note(res, { isAnswered: answerEarly(req, res, nothingToSend(upload, links), LINGER) })
    const { concat, size } = declaredConcat(req, res, intake) ?? {}
    welcomeBody(req, res)
    const request = withOwnBody(new NodeRequest({ req, res }), req)
    if (concat) notes.concats.set(request, concat)
    if (size !== undefined) withLength(request, size)
    const work = server.handleWeb(request)
    const quick = piecesOf(concat)
      ? Promise.race([work, pause(patience.quiet, undefined, { ref: false })])
      : work
    const response = await quick
    if (!response) {
      const final = finals.get(request)!
      note(res, { upload: final, outcome: 'joined' })
      const about = { Location: links.upload(final), 'Upload-Concat': concatHeader(concat!, links) }
      const headers = { ...RESUMABLE, ...about }
      return answerSlowly(res, headers, work, patience)
    }
    // Whoever hangs up between creation and body is gone before the library has begun to read.
    const whole = wholes.get(request)
    if (whole !== undefined) await intake.breakOff(whole)
    const failure = failures.get(request)
    const id = idIn(response.headers.get('location') ?? req.path)
    const now = response.ok ? lookAt(intake, id) : undefined
    note(res, { upload: id, ...factsOf(now) })
    decorate(response, failure, now, { links, ttlHours: intake.options.ttlHours })
    if (failure) note(res, { error: failure })
    if (req.complete || req.method === 'HEAD') return sendNodeResponse(res, response)
    // The early answer counts and closes for itself.
    for (const name of ['content-length', 'connection']) response.headers.delete(name)
    const headers = Object.fromEntries(response.headers)
    const answer = { status: response.status, headers, body: await response.text() }
    note(res, { isAnswered: answerEarly(req, res, answer, LINGER) })
  }
}

function createServer(intake: Intake, links: Links, { failures, wholes, finals, concats }: Notes): Server {
  const { inbox } = intake.stores
  const { maxSize } = intake.options
  const senders = new WeakMap<object, Sender>()
  const unknown: Sender = { address: undefined, isWhole: false, concat: undefined }
  const store = new IntakeStore(intake, (upload) => senders.get(upload) ?? unknown, inbox.directory)
  const server = new Server({
    path: PATHS.tus,
    datastore: store,
    locker: (request) => intakeLocker(intake, request.method === 'HEAD'),
    lockDrainTimeout: DRAIN_TIMEOUT,
    maxSize,
    namingFunction: () => randomId(),
    getFileIdFromRequest: (request) => idIn(new URL(request.url).pathname),
    generateUrl: (_request, { id }) => links.upload(id),
    disableTerminationForFinishedUploads: false,
    // Its stock word is `*`; which pages may read us, guard/origins.ts says for all doors.
    allowedOrigins: () => false,
    onUploadCreate: (request, upload) => {
      const sender = request.runtime?.node?.req
      const address = sender && addressOf(sender)
      const concat = concats.get(request)
      const isWhole = !concat && bringsAll(request.headers, upload.size)
      senders.set(upload, { address, isWhole, concat })
      if (isWhole) wholes.set(request, upload.id)
      if (piecesOf(concat)) finals.set(request, upload.id)
      return Promise.resolve({})
    },
    exposedHeaders: ['Content-Location', 'Ferry-Ahead', 'Retry-After', 'Upload-Expires'],
    onResponseError: (request, error) => {
      if (!(error instanceof Error) || isLibrarys(error)) return undefined
      const failure = asFerryError(error)
      failures.set(request, failure)
      return { status_code: statusOf(failure, 'tus'), body: JSON.stringify(errorReply(failure)) }
    },
  })
  takeBodies(server, store)
  return server
}

/** Whether a creation carries a whole small file (tus creation-with-upload). Size in bytes. */
function bringsAll(headers: Headers, size: number | undefined): boolean {
  const isBody = headers.get('content-type') === 'application/offset+octet-stream'
  const length = Number(headers.get('content-length'))
  return isBody && length > 0 && length === size && length <= WHOLE
}

/** The library throws plain objects and one class with these two fields; they already are answers. */
function isLibrarys(error: object): boolean {
  return 'status_code' in error && 'body' in error
}

/** What the log says of an upload. */
function factsOf(upload: Upload | undefined): Facts {
  if (!upload) return {}
  if (upload.state === 'finished') return { md5: upload.content.md5, outcome: 'finished' }
  return { md5: upload.claim.md5, outcome: 'open' }
}

function idIn(path: string): string | undefined {
  return ID.exec(path)?.[1]
}

function lookAt(intake: Intake, id: string | undefined): Upload | undefined {
  try {
    return id === undefined ? undefined : intake.look(id)
  } catch (error) {
    if (error instanceof FerryError) return undefined
    throw error
  }
}

/** Said of every upload that takes pieces, so that a client knows that it may place some. */
function aheadHeader(ahead: [start: number, end: number][]): string {
  return ahead.map((range) => range.join('-')).join(',') || 'none'
}

/**
 * The answer to a PATCH of an upload that is complete, be it from birth: 204 at its end. A strict 409 would do for
 * clients that retry; this also serves those that don't, and a client that goes by `Upload-Offset` sends nothing more.
 */
function nothingToSend(upload: Upload & { state: 'finished' }, links: Links) {
  const { size, file } = upload.content
  return {
    status: 204,
    headers: {
      ...RESUMABLE,
      'Upload-Offset': String(size),
      'Content-Location': links.file(file),
    },
  }
}

/** tus 1.0, concatenation: the server answers so. */
function patchesFinal(res: Answer): FerryError {
  res.set(RESUMABLE)
  return new FerryError('already-finished', 'this upload was joined from others: nothing can be added to it')
}

/** What the library can't say: what it is in a concatenation, the content's URL, when an idle upload expires, and an error's type and pause. */
function decorate(
  response: Response,
  failure: FerryError | undefined,
  upload: Upload | undefined,
  { links, ttlHours }: { links: Links; ttlHours: number },
): void {
  const concat = upload?.state === 'open' ? upload.claim.concat : upload?.concat
  if (concat) response.headers.set('Upload-Concat', concatHeader(concat, links))
  // Of a final one only the whole has an offset, when it is there.
  if (upload?.state === 'open' && piecesOf(concat)) response.headers.delete('Upload-Offset')
  if (upload?.content) response.headers.set(HEADERS.contentLocation, links.file(upload.content.file))
  if (upload?.state === 'open' && upload.ahead) response.headers.set(HEADERS.ahead, aheadHeader(upload.ahead))
  if (upload?.state === 'open')
    response.headers.set('Upload-Expires', new Date(upload.touchedAt + ttlHours * 3_600_000).toUTCString())
  if (!failure) return
  response.headers.set('Content-Type', 'application/json; charset=utf-8')
  for (const [name, value] of Object.entries(errorHeaders(failure))) response.headers.set(name, value)
}

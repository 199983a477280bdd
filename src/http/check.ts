import type { Request, RequestHandler, Response } from 'express'
import {
  HEADERS,
  LONGEST_WAIT,
  MOST_MD5S,
  parseMd5,
  type BindReply,
  type CheckReply,
  type ErrorReply,
  type ManyReply,
  type Md5,
  type Sha256,
  type SizeReply,
} from '../contract.js'
import { FerryError } from '../errors.js'
import type { Intake } from '../intake/intake.js'
import type { Standing } from '../intake/standing.js'
import { note } from './access.js'
import { sendJson } from './errors.js'
import { LONGEST_LINK } from './guard/signer.js'
import type { Links } from './links.js'
import { declaredSha256 } from './sha256.js'

/**
 * `GET /check?md5=[&sha256=][&wait=][&expires=]`: what the server knows of that MD5. `GET /check?size=`: whether it can be
 * known at all.
 */
export function checkDoor(intake: Intake, links: Links): RequestHandler {
  return async (req, res) => {
    note(res, { door: 'check' })
    res.setHeader('Cache-Control', 'no-store')
    const { query } = req // parsed anew each time that it is asked for
    const { md5: wanted, md5s, size, wait, expires } = query
    if (wanted === undefined && md5s !== undefined) return sendJson(res, askMany(req, res, intake, links))
    if (wanted === undefined && size !== undefined) {
      const reply: SizeReply = { status: 'notfound', possible: intake.mayHave(parseSize(size)) }
      note(res, { outcome: reply.possible ? 'possible' : 'impossible' })
      return sendJson(res, reply)
    }
    const md5 = md5In(query)
    const sha256 = declaredSha256(query['sha256'])
    note(res, { md5 })
    const seconds = expires === undefined ? undefined : parseExpires(expires)
    const client = req.get(HEADERS.client)
    // Silence is agreed upon here, as long as it may be; Node sets the time again for the next request.
    if (wait !== undefined) req.setTimeout(0)
    const asked =
      wait === undefined
        ? intake.standing(md5, client)
        : await intake.standingAfter(md5, client, parseWait(wait) * 1000, gone(res))
    const standing = await intake.demand(asked, sha256)
    note(res, { outcome: standing.state })
    sendJson(res, withSigned(checkReply(standing, links, sha256), standing, seconds, links))
  }
}

function askMany(req: Request, res: Response, intake: Intake, links: Links): ManyReply {
  const { md5s: text } = req.query
  const md5s = (typeof text === 'string' ? text : '').split(',').map(parseMd5)
  if (md5s.length > MOST_MD5S || !md5s.every((md5) => md5 !== undefined))
    throw new FerryError(
      'bad-md5',
      `md5s must be up to ${MOST_MD5S} MD5s of 32 hex digits, with commas between`,
    )
  if (req.query['sha256'] !== undefined)
    throw new FerryError('bad-sha256', 'sha256 goes with one md5; ask for each by itself')
  note(res, { outcome: `many-${md5s.length}` })
  const client = req.get(HEADERS.client)
  return { status: 'many', answers: md5s.map((md5) => checkReply(intake.standing(md5, client), links)) }
}

/** `POST /check?md5=&upload=[&sha256=]`: the MD5 of an upload that was created without one. */
export function bindDoor(intake: Intake, links: Links): RequestHandler {
  return async (req, res) => {
    note(res, { door: 'check' })
    res.set('Cache-Control', 'no-store')
    const { query } = req
    const md5 = md5In(query)
    const { upload } = query
    if (typeof upload !== 'string' || !/^[0-9a-f]{32}$/.test(upload))
      throw new FerryError('bad-request', 'upload must be the id of an upload: the last part of its URL')
    note(res, { md5, upload })
    const sha256 = declaredSha256(query['sha256'])
    const client = req.get(HEADERS.client)
    const { standing, isBound } = await intake.bind(upload, md5, client, sha256)
    note(res, { outcome: isBound ? 'bound' : standing.state })
    const reply: BindReply = { ...checkReply(standing, links, sha256), bound: isBound }
    sendJson(res, reply)
  }
}

/** Aborts when nobody is there to be answered. */
function gone(res: Response): AbortSignal {
  const controller = new AbortController()
  res.on('close', () => controller.abort())
  return controller.signal
}

function md5In(query: Request['query']): Md5 {
  const md5 = parseMd5(query['md5'])
  if (md5) return md5
  throw new FerryError(
    'bad-md5',
    'md5 must be 32 hex digits, as in /check?md5=d41d8cd98f00b204e9800998ecf8427e',
  )
}

function parseSize(text: unknown): number {
  const size = typeof text === 'string' && /^\d{1,16}$/.test(text) ? Number(text) : NaN
  if (Number.isSafeInteger(size)) return size
  throw new FerryError('bad-request', 'size must be a number of bytes, as in /check?size=1048576')
}

/** Seconds; more than the most is the most. */
function parseWait(text: unknown): number {
  const seconds = typeof text === 'string' && /^\d{1,9}$/.test(text) ? Number(text) : NaN
  if (!Number.isNaN(seconds)) return Math.min(seconds, LONGEST_WAIT)
  throw new FerryError('bad-request', `wait must be a number of seconds, ${LONGEST_WAIT} at most`)
}

/** Seconds, a year's at most. */
function parseExpires(text: unknown): number {
  const seconds = typeof text === 'string' && /^\d{1,9}$/.test(text) ? Number(text) : 0
  if (seconds >= 1 && seconds <= LONGEST_LINK) return seconds
  throw new FerryError(
    'bad-request',
    `expires must be the seconds that the link is to live, from 1 to ${LONGEST_LINK} (a year)`,
  )
}

function withSigned<T>(reply: T, standing: Standing, seconds: number | undefined, links: Links): T {
  if (standing.state !== 'exists' || seconds === undefined) return reply
  const { file, md5 } = standing.content
  const signed = links.signed(file, md5, seconds)
  return { ...reply, ...(signed ? { signed } : {}) }
}

/** `declared` is told again, for the asker to see that it was looked at. */
function checkReply(standing: Standing, links: Links, declared?: Sha256): Exclude<CheckReply, ErrorReply> {
  const seen = declared && { sha256: declared }
  switch (standing.state) {
    case 'exists': {
      const { file, size, sha256 } = standing.content
      return { status: 'exists', url: links.file(file), size, ...(sha256 && { sha256 }) }
    }
    case 'uploading': {
      const { offset, size, resumable, retryAfter } = standing
      return {
        status: 'uploading',
        offset,
        ...(size === undefined ? {} : { size }),
        ...(resumable ? { resumable } : {}),
        retryAfter,
        ...seen,
      }
    }
    case 'notfound':
      return { status: 'notfound', ...seen }
  }
}

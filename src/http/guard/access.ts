import type { Request, RequestHandler, Response } from 'express'
import { parseMd5 } from '../../contract.js'
import { FerryError } from '../../errors.js'
import { refuse } from './refuse.js'
import type { Signer } from './signer.js'
import { Tokens } from './tokens.js'

const FOR_UPLOAD =
  'this server wants a token: send "Authorization: Bearer <token>" (curl: -u :<token>; ferry: ferry login); whoever runs the server has it'
const FOR_DOWNLOAD =
  'this file is not open to everybody: send "Authorization: Bearer <token>" (curl: -u :<token>; ferry: ferry login), or ask for a signed link'

/** The guards that ask for a token. An upload token opens everything, a download token what only reads. */
export interface AccessGuards {
  /** /upload, /tus, /metrics */
  upload: RequestHandler
  /** /check: whoever may read may ask, too; whoever wants a signed link has to bring a token in any case. */
  check: RequestHandler
  /** /files, for signed links as well */
  files: RequestHandler
}

/** Guards for these tokens; where there are none, all is open. */
export function accessGuards(
  uploadTokens: readonly string[],
  downloadTokens: readonly string[],
  signer: Signer | undefined,
): AccessGuards {
  const uploaders = new Tokens(uploadTokens)
  const readers = new Tokens([...uploadTokens, ...downloadTokens])
  return {
    upload(req, res, next) {
      // A preflight brings no credentials (Fetch 4.8), and its answer says nothing of contents.
      if (req.method === 'OPTIONS' || uploaders.isEmpty || uploaders.openFor(req)) return next()
      refuseUnknown(req, res, FOR_UPLOAD)
    },
    check(req, res, next) {
      const isReading = ['GET', 'HEAD'].includes(req.method)
      const mustBeKnown = signer !== undefined && req.query['expires'] !== undefined
      const isOpen = req.method === 'OPTIONS' || (uploaders.isEmpty && !mustBeKnown)
      if (isOpen || (isReading ? readers : uploaders).openFor(req)) return next()
      refuseUnknown(req, res, FOR_UPLOAD)
    },
    files(req, res, next) {
      if (!signer) return next()
      if (readers.openFor(req)) return next()
      const { expires, sig } = req.query
      if (expires === undefined && sig === undefined) return refuseUnknown(req, res, FOR_DOWNLOAD)
      const md5 = parseMd5(/^\/([^/.]+)/.exec(req.path)?.[1])
      const verdict = md5 ? signer.judge(md5, expires, sig) : 'wrong'
      if (verdict === 'valid') return next()
      refuse(req, res, verdict === 'expired' ? expired() : forged())
    },
  }
}

/** 401 for whoever asks, in the same words whatever was asked for. */
function refuseUnknown(req: Request, res: Response, words: string): void {
  refuse(req, res, new FerryError('unauthorized', words), { 'WWW-Authenticate': challenges(req) })
}

/**
 * A browser that is shown `Basic` asks its user, over whatever page there is: right for a link or a form that was sent
 * without script, wrong for what a page fetches by itself (RFC 9110 11.6.1, Fetch metadata).
 */
function challenges({ headers }: Request): string[] {
  const mode = headers['sec-fetch-mode']
  const isVisit = /text\/html/i.test(headers.accept ?? '') && (mode === undefined || mode === 'navigate')
  return ['Bearer realm="ferry"', ...(isVisit ? ['Basic realm="ferry", charset="UTF-8"'] : [])]
}

function forged(): FerryError {
  return new FerryError(
    'wrong-link',
    'this link is not signed by this server: copy all of it, or ask for a new one',
  )
}

function expired(): FerryError {
  return new FerryError('link-expired', 'this link has expired: ask for a new one')
}

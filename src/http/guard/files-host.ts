import type { RequestHandler } from 'express'
import { bareHost } from '../../config-guard.js'
import { PATHS, parseMd5 } from '../../contract.js'
import { FerryError } from '../../errors.js'
import { note } from '../access.js'
import { hostOf } from './hosts.js'
import { refuse } from './refuse.js'
import type { Signer } from './signer.js'

/** Where a redirect signs a link, it is for its reader alone, who follows it at once or asks here again. In seconds. */
const HANDED_ON = 3600
const FILE = new RegExp(`^${PATHS.files}/`, 'i')

/** On FILES_ORIGIN's host there are files and nothing else, so that no page lives in their origin: 404. */
export function onlyFilesThere(filesOrigin: string): RequestHandler {
  const host = hostIn(filesOrigin)
  return (req, res, next) => {
    if (host === undefined || hostOf(req) !== host || FILE.test(req.path)) return next()
    refuse(req, res, new FerryError('not-found', 'this address serves files and nothing else: /files/<md5>'))
  }
}

/**
 * On any other host files are at FILES_ORIGIN: 308 (RFC 9110 15.4.9). Whoever has shown a token here can't show it
 * there, since clients keep it to one origin, so the link is signed for them.
 */
export function filesElsewhere(filesOrigin: string, signer: Signer | undefined): RequestHandler {
  const host = hostIn(filesOrigin)
  return (req, res, next) => {
    if (host === undefined || hostOf(req) === host || !['GET', 'HEAD'].includes(req.method)) return next()
    const md5 = parseMd5(/^\/([^/.]+)/.exec(req.path)?.[1])
    const isSigned = req.query['sig'] !== undefined
    const query =
      signer && md5 && !isSigned ? `?${signer.query(md5, HANDED_ON)}` : req.url.slice(req.path.length)
    note(res, { door: 'files', md5, outcome: 'elsewhere' })
    if (signer) res.set('Cache-Control', 'no-store')
    res.redirect(308, `${filesOrigin}${PATHS.files}${req.path}${query}`)
  }
}

function hostIn(origin: string): string | undefined {
  return origin === '' ? undefined : bareHost(new URL(origin).host)
}

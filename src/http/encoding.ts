import type { RequestHandler } from 'express'
import { FerryError } from '../errors.js'
import { note } from './access.js'
import { answerEarly, DRAIN } from './early.js'
import { errorReply, statusOf } from './errors.js'

/**
 * Refuses compressed bodies (RFC 9110 8.4) before they are read: what is stored is what was sent, and nothing that is
 * small on the line becomes large here.
 */
export const plainBodies: RequestHandler = (req, res, next) => {
  if (/^(identity)?$/i.test(req.headers['content-encoding']?.trim() ?? '')) return next()
  const error = new FerryError('unsupported-encoding', 'send the file as it is, without Content-Encoding')
  note(res, { door: 'none', error })
  const headers = { 'Content-Type': 'application/json; charset=utf-8', 'Accept-Encoding': 'identity' }
  const answer = { status: statusOf(error, 'json'), headers, body: JSON.stringify(errorReply(error)) }
  note(res, { isAnswered: answerEarly(req, res, answer, DRAIN) })
}

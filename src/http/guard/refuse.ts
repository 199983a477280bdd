import type { Request, Response } from 'express'
import { PATHS } from '../../contract.js'
import type { FerryError } from '../../errors.js'
import { note } from '../access.js'
import { answerEarly, DRAIN, LINGER } from '../early.js'
import { asJson, errorReply, sendError, statusOf } from '../errors.js'
import { receipt, wantsReceipt } from '../receipt.js'

const FORM = new RegExp(`^${PATHS.upload}/?$`, 'i')

/** Turns a request away before anything of it but its head is looked at, whatever of its body is still to come. */
export function refuse(
  req: Request,
  res: Response,
  error: FerryError,
  headers: Record<string, string | string[]> = {},
): void {
  note(res, { door: 'guard', error })
  res.set({ 'Cache-Control': 'no-store', ...headers })
  if (!hasBody(req)) return sendError(res, error)
  const isForm = FORM.test(req.baseUrl + req.path)
  const written = isForm && wantsReceipt(req) ? receipt(error, req) : asJson(errorReply(error))
  const answer = { status: statusOf(error, 'json'), ...written }
  note(res, { isAnswered: answerEarly(req, res, answer, isForm ? DRAIN : LINGER) })
}

function hasBody({ headers }: Request): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0
}

import type { RequestHandler } from 'express'
import { HEADERS, parseMd5, type CheckReply } from '../contract.js'
import { FerryError } from '../errors.js'
import type { Intake } from '../intake/intake.js'
import type { Standing } from '../intake/standing.js'
import { note } from './access.js'
import type { Links } from './links.js'

/** `GET /check?md5=`: what the server knows of that MD5. */
export function checkDoor(intake: Intake, links: Links): RequestHandler {
  return (req, res) => {
    note(res, { door: 'check' })
    const md5 = parseMd5(req.query['md5'])
    if (!md5)
      throw new FerryError(
        'bad-md5',
        'md5 must be 32 hex digits, as in /check?md5=d41d8cd98f00b204e9800998ecf8427e',
      )
    const standing = intake.standing(md5, req.get(HEADERS.client))
    note(res, { md5, outcome: standing.state })
    res.set('Cache-Control', 'no-store').json(checkReply(standing, links))
  }
}

function checkReply(standing: Standing, links: Links): CheckReply {
  switch (standing.state) {
    case 'exists':
      return { status: 'exists', url: links.file(standing.content.file), size: standing.content.size }
    case 'uploading': {
      const { offset, size, resumable, retryAfter } = standing
      return {
        status: 'uploading',
        offset,
        ...(size === undefined ? {} : { size }),
        ...(resumable ? { resumable } : {}),
        retryAfter,
      }
    }
    case 'notfound':
      return { status: 'notfound' }
  }
}

import { create as contentDisposition } from 'content-disposition'
import type { NextFunction, RequestHandler, Response } from 'express'
import type { IncomingHttpHeaders } from 'node:http'
import send from 'send'
import { extensionOf, parseMd5, type Sha256 } from '../contract.js'
import { FerryError } from '../errors.js'
import type { Shelf } from '../store/shelf.js'
import type { Content } from '../store/rows.js'
import { note } from './access.js'
import { asFerryError } from './errors.js'
import { Pieces, pour } from './pour.js'
import { treatmentOf } from './types.js'

const NAME = /^([0-9a-f]{32})(?:\.([a-z0-9]{1,10}))?$/i
/** Headers that describe the file and must not go out with an error. */
const OF_THE_FILE = [
  'Content-Type',
  'Content-Length',
  'Content-Disposition',
  'Content-Security-Policy',
  'Cache-Control',
  'ETag',
  'Last-Modified',
  'Accept-Ranges',
  'Repr-Digest',
]

/** `GET|HEAD /files/<md5>.<ext>`: the content, treated by the extension asked for. `isClosed`: not for everybody. */
export function filesDoor(shelf: Shelf, isClosed: boolean): RequestHandler<{ name: string }> {
  const pieces = new Pieces()
  return (req, res, next) => {
    const asked = NAME.exec(req.params.name)
    const md5 = parseMd5(asked?.[1])
    note(res, { door: 'files', md5 })
    const content = md5 && shelf.find(md5)
    if (!content) throw notFound(res)
    const extension = asked?.[2]?.toLowerCase() ?? extensionOf(content.file)
    const { type, disposition, csp } = treatmentOf(extension)
    res.set({
      'Content-Type': type,
      'Content-Disposition': contentDisposition(originalName(content, extension), { type: disposition }),
      'Content-Security-Policy': csp,
      'X-Content-Type-Options': 'nosniff',
      // What is closed may be kept by its reader alone, who asks each time whether it still may be read.
      'Cache-Control': isClosed ? 'private, no-cache' : 'public, max-age=31536000, immutable',
      // The signature in a link is nobody else's business.
      ...(isClosed ? { 'Referrer-Policy': 'no-referrer' } : {}),
      ETag: `"${content.md5}"`,
      ...(content.sha256 && { 'Repr-Digest': reprDigest(content.sha256) }),
    })
    mendRange(req.headers, content.size)
    const sending = send(req, content.file, {
      root: shelf.directory,
      cacheControl: false,
      dotfiles: 'ignore',
      index: false,
    }).on('error', (error: Error & { status?: number }) => refuse(res, error, next))
    // Conditions and ranges are the library's, the bytes are ours: see `pour`.
    sending.stream = (path, { start = 0 }: { start?: number } = {}) => {
      const length = Number(res.getHeader('Content-Length'))
      pour(path, { start, length }, res, pieces).catch((error: Error) => sending.onStatError(error))
    }
    sending.pipe(res)
  }
}

/** RFC 9530: of the whole file, whatever part of it is asked for. */
function reprDigest(sha256: Sha256): string {
  return `sha-256=:${Buffer.from(sha256, 'hex').toString('base64')}:`
}

/** Asked for more last bytes than there are, `send` says 416; it is the whole file (RFC 9110 14.1.2). Size in bytes. */
function mendRange(headers: IncomingHttpHeaders, size: number): void {
  const last = /^bytes=-(\d+)$/.exec(headers.range ?? '')?.[1]
  if (Number(last) > size && size > 0) headers.range = 'bytes=0-'
}

/** Answers what `send` could not do, without a word of the headers that were meant for the file. */
function refuse(res: Response, error: Error & { status?: number }, next: NextFunction): void {
  if (res.headersSent) {
    note(res, { error: asFerryError(error) })
    res.destroy()
    return
  }
  for (const name of OF_THE_FILE) res.removeHeader(name)
  // The range or the precondition is out of the question; `Content-Range` then says what there is.
  if (error.status === 416 || error.status === 412) return void res.status(error.status).end()
  res.removeHeader('Content-Range')
  next(error.status === 404 ? notFound(res) : error)
}

/** The file may come at any moment, so nobody may remember that it was not here. */
function notFound(res: Response): FerryError {
  res.set('Cache-Control', 'no-store')
  return new FerryError('not-found', 'no such file here')
}

/** The first uploader's name for it, with the extension asked for; `<md5>.<ext>` where there is none. */
function originalName({ md5, filename }: Content, extension: string): string {
  if (!filename) return `${md5}.${extension}`
  if (filename.toLowerCase().endsWith(`.${extension}`)) return filename
  return `${filename.replace(/\.[a-z0-9]{1,10}$/i, '')}.${extension}`
}

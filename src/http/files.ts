import { create as contentDisposition } from 'content-disposition'
import type { RequestHandler } from 'express'
import send from 'send'
import { extensionOf, parseMd5 } from '../contract.js'
import { FerryError } from '../errors.js'
import type { Shelf } from '../store/shelf.js'
import type { Content } from '../store/rows.js'
import { treatmentOf } from './types.js'

const NAME = /^([0-9a-f]{32})(?:\.([a-z0-9]{1,10}))?$/i

/** `GET|HEAD /files/<md5>.<ext>`: the content, treated by the extension asked for. */
export function filesDoor(shelf: Shelf): RequestHandler<{ name: string }> {
  return (req, res, next) => {
    const asked = NAME.exec(req.params.name)
    const md5 = parseMd5(asked?.[1])
    const content = md5 && shelf.find(md5)
    if (!content) throw notFound()
    const extension = asked?.[2]?.toLowerCase() ?? extensionOf(content.file)
    const { type, disposition, csp } = treatmentOf(extension)
    res.set({
      'Content-Type': type,
      'Content-Disposition': contentDisposition(originalName(content, extension), { type: disposition }),
      'Content-Security-Policy': csp,
      'X-Content-Type-Options': 'nosniff',
      'Cache-Control': 'public, max-age=31536000, immutable',
      ETag: `"${content.md5}"`,
    })
    send(req, content.file, { root: shelf.directory, cacheControl: false, dotfiles: 'ignore', index: false })
      .on('error', (error: { status?: number }) => {
        if (error.status === 416) return void res.status(416).set('Content-Type', 'text/plain').end()
        for (const name of ['Content-Type', 'Content-Disposition', 'Cache-Control', 'ETag'])
          res.removeHeader(name)
        next(error.status === 404 ? notFound() : error)
      })
      .pipe(res)
  }
}

function notFound(): FerryError {
  return new FerryError('not-found', 'no such file here')
}

/** The first uploader's name for it, with the extension asked for; `<md5>.<ext>` where there is none. */
function originalName({ md5, filename }: Content, extension: string): string {
  if (!filename) return `${md5}.${extension}`
  if (filename.toLowerCase().endsWith(`.${extension}`)) return filename
  return `${filename.replace(/\.[a-z0-9]{1,10}$/i, '')}.${extension}`
}

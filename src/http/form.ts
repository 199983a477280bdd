import { Dicer } from '@fastify/busboy'
import { parse as parseDisposition } from 'content-disposition'
import type { IncomingMessage } from 'node:http'
import type { Readable } from 'node:stream'
import { MIMEType } from 'node:util'
import { FerryError } from '../errors.js'

const HEADER_PAIRS = 100
/** Forms have a few parts; whoever sends more wants to keep us busy. */
const MOST_PARTS = 10_000
const NO_FORM = 'send a form: Content-Type multipart/form-data with its boundary'

/**
 * A multipart/form-data request (RFC 7578) of which one field is wanted. The parser under busboy is used directly:
 * busboy itself forgets `filename*` where a plain `filename` stands beside it, as .NET sends every name that is not
 * ASCII.
 */
export class Form {
  private constructor(
    readonly request: IncomingMessage,
    readonly parser: Dicer,
  ) {}

  /** Looks at the request's head only. Errors: `bad-form`. */
  static open(request: IncomingMessage): Form {
    try {
      const { essence, params } = new MIMEType(request.headers['content-type'] ?? '')
      const boundary = params.get('boundary')
      if (essence === 'multipart/form-data' && boundary) {
        return new Form(request, new Dicer({ boundary, maxHeaderPairs: HEADER_PAIRS }))
      }
    } catch (cause) {
      throw badForm(NO_FORM, cause)
    }
    throw badForm(NO_FORM)
  }

  /**
   * Reads the form to its end; `take` is given the first part of that name, at once and unread, and the file name that
   * came with it. All others are read past. Rejects with `bad-form` where the form breaks off or is none, and with what
   * `take` throws.
   */
  read(field: string, take: (part: Readable, filename: string) => void): Promise<void> {
    let taken = false
    let parts = 0
    return new Promise((resolve, reject) => {
      this.parser.on('part', (part) => {
        parts += 1
        if (parts > MOST_PARTS) reject(badForm(`the form has more than ${MOST_PARTS} parts`))
        part.on('error', () => undefined) // a form that breaks off breaks its part, too; the parser reports it
        part.on('header', (header: object) => {
          const named = namesIn(header)
          if (taken || named.field !== field) return void part.resume()
          taken = true
          try {
            take(part, named.filename)
          } catch (error) {
            // The parser's event would carry it out of the request, and with it the whole server.
            reject(error)
          }
        })
      })
      this.parser.on('error', (cause) =>
        reject(badForm('the form ends too early or is not well formed', cause)),
      )
      this.parser.on('finish', resolve)
      // What has come but was not read by then is lost with the connection, even if it was all of the form.
      const lost = (): void => {
        if (!this.request.readableEnded) reject(badForm('the connection was lost'))
      }
      this.request.on('close', lost)
      if (this.request.destroyed) lost()
      this.request.pipe(this.parser)
    })
  }

  /** Reads no further. */
  leave(): void {
    this.request.unpipe(this.parser)
  }
}

/** The names in a part's `Content-Disposition`, which comes as latin1 and is meant as UTF-8. */
function namesIn(header: object): { field: string | undefined; filename: string } {
  const { 'content-disposition': lines } = header as Record<string, string[] | undefined>
  const text = Buffer.from(lines?.[0] ?? '', 'latin1').toString()
  // Browsers write a quotation mark as %22, and curl did as \" until its 7.81.
  const { type, parameters } = parseDisposition(text.replace(/\\"(?!\s*(;|$))/g, '%22'), { multipart: true })
  if (type !== 'form-data') return { field: undefined, filename: '' }
  return { field: parameters['name'], filename: parameters['filename'] ?? '' }
}

function badForm(message: string, cause?: unknown): FerryError {
  return new FerryError('bad-form', message, { cause })
}

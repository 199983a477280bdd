import { Busboy } from '@fastify/busboy'
import type { Request, RequestHandler } from 'express'
import type { Readable } from 'node:stream'
import { parseMd5, type Md5, type UploadReply } from '../contract.js'
import { FerryError } from '../errors.js'
import type { Intake } from '../intake/intake.js'
import type { Stored } from '../store/rows.js'
import { answerEarly, DRAIN, welcomeBody } from './early.js'
import { asFerryError, errorHeaders, errorReply, statusOf } from './errors.js'
import { bareName } from './filename.js'
import type { Links } from './links.js'

const FIELD = 'file'
const LIMITS = { fields: 100, parts: 200, headerPairs: 100, fieldSize: 64 * 1024 }

/** `POST /upload?md5=&filename=`: a multipart form whose field `file` is the content. */
export function uploadDoor(intake: Intake, links: Links): RequestHandler {
  return async (req, res) => {
    const reply = (status: number, headers: Record<string, string>, body: object): void => {
      const json = { ...headers, 'Content-Type': 'application/json; charset=utf-8' }
      answerEarly(req, res, { status, headers: json, body: JSON.stringify(body) }, DRAIN)
    }
    try {
      const md5 = declaredMd5(req)
      const standing = md5 && intake.standing(md5)
      if (standing?.state === 'exists') return reply(200, {}, success('exists', standing.content, links))
      const receive = formReceiver(req, intake, md5)
      welcomeBody(req, res)
      reply(200, {}, success('ok', await receive(), links))
    } catch (error) {
      if (req.destroyed && !req.complete) return // nobody is there to be answered
      const known = asFerryError(error)
      res.locals['error'] = known
      reply(statusOf(known, 'json'), errorHeaders(known), errorReply(known))
    }
  }
}

function success(status: 'ok' | 'exists', content: Stored, links: Links): UploadReply {
  return { status, url: links.file(content.file), md5: content.md5 }
}

function declaredMd5(req: Request): Md5 | undefined {
  const text = req.query['md5']
  if (text === undefined || text === '') return undefined
  const md5 = parseMd5(text)
  if (!md5) throw new FerryError('bad-md5', 'md5 must be 32 hex digits')
  return md5
}

/** Checks the form's head (`bad-form`) and returns what then reads it and resolves with the stored content. */
function formReceiver(req: Request, intake: Intake, md5: Md5 | undefined): () => Promise<Stored> {
  const form = openForm(req)
  const name = typeof req.query['filename'] === 'string' ? req.query['filename'] : ''
  return async () => {
    let upload: FormUpload | undefined
    const failed = new Promise<never>((_resolve, reject) => {
      form.on('file', (field, file, filename) => {
        file.on('error', () => undefined) // a truncated form breaks its stream, too; `form` reports it
        if (field !== FIELD || upload) return void file.resume()
        upload = new FormUpload(intake, file, () => req.destroy())
        upload
          .receive({ md5, filename: bareName(name || filename || ''), size: undefined, client: undefined })
          .catch(reject)
      })
      form.on('error', (cause) => reject(badForm('the form ends too early or is not well formed', cause)))
      req.on('close', () => {
        if (!req.complete) reject(badForm('the connection was lost'))
      })
    })
    const read = new Promise<void>((resolve) => void form.on('finish', resolve))
    req.pipe(form)
    try {
      await Promise.race([read, failed])
      if (!upload) throw new FerryError('missing-field', `the form has no field "${FIELD}"`)
      return await upload.complete()
    } catch (error) {
      req.unpipe(form)
      await upload?.abandon(error as Error)
      throw error
    }
  }
}

function openForm(req: Request) {
  const headers = { ...req.headers, 'content-type': req.headers['content-type'] ?? '' }
  if (!/^multipart\/form-data/i.test(headers['content-type'])) {
    throw badForm('send a multipart/form-data form with a field "file"')
  }
  try {
    return new Busboy({
      headers,
      limits: LIMITS,
      isPartAFile: (field, _type, filename) => field === FIELD || filename !== undefined,
    })
  } catch (cause) {
    throw badForm('the form has no boundary', cause)
  }
}

function badForm(message: string, cause?: unknown): FerryError {
  return new FerryError('bad-form', message, { cause })
}

/** One file of a form on its way in. Nobody can go on with it, so whatever breaks it off removes it. */
class FormUpload {
  #id: string | undefined
  #release: (() => void) | undefined
  #received: Promise<void> | undefined

  constructor(
    readonly intake: Intake,
    readonly file: Readable,
    /** Ends the request, when the server stops. */
    readonly hangUp: () => void,
  ) {}

  receive(claim: Parameters<Intake['create']>[0]): Promise<void> {
    this.#received = this.#take(claim)
    return this.#received
  }

  async #take(claim: Parameters<Intake['create']>[0]): Promise<void> {
    const { id } = await this.intake.create(claim, { form: true })
    this.#id = id
    this.#release = await this.intake.uploads.acquire(id, this.hangUp)
    await this.intake.receive(id, 0, this.file)
  }

  /** To be called when the form has ended well: only then is the file known to be whole. */
  async complete(): Promise<Stored> {
    try {
      await this.#received
      const upload = await this.intake.complete(this.#id!)
      if (upload.state !== 'finished') throw new Error('a complete form did not finish')
      return upload.content
    } finally {
      this.#release?.()
    }
  }

  async abandon(reason: Error): Promise<void> {
    this.file.destroy(reason)
    await this.#received?.catch(() => undefined)
    if (this.#id) await this.intake.terminate(this.#id).catch(() => undefined)
    this.#release?.()
  }
}

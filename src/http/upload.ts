import type { Request, RequestHandler } from 'express'
import type { Readable } from 'node:stream'
import { parseMd5, type Md5, type Sha256, type UploadReply } from '../contract.js'
import { FerryError } from '../errors.js'
import type { Origin } from '../intake/arrival.js'
import type { Intake } from '../intake/intake.js'
import { uploadingElsewhere, type Standing } from '../intake/standing.js'
import type { Stored } from '../store/rows.js'
import { note } from './access.js'
import { answerEarly, DRAIN, welcomeBody } from './early.js'
import { asFerryError, errorHeaders, asJson, errorReply, statusOf } from './errors.js'
import { bareName } from './filename.js'
import { Form } from './form.js'
import { addressOf } from './guard/address.js'
import type { Links } from './links.js'
import { receipt, wantsReceipt, type Result } from './receipt.js'
import { declaredSha256 } from './sha256.js'

const FIELD = 'file'
/** What a form may weigh beside its file, in bytes, before its announced length alone proves the file too large. */
const WRAPPING = 1024 * 1024

/**
 * `POST /upload?md5=&filename=&sha256=`: a multipart form whose field `file` is the content. The answer is JSON, or the same as a
 * page for a browser without script.
 */
export function uploadDoor(intake: Intake, links: Links): RequestHandler {
  return async (req, res) => {
    const reply = (status: number, headers: Record<string, string>, body: object, result: Result): void => {
      const written = wantsReceipt(req) ? receipt(result, req) : asJson(body)
      const answer = { status, headers: { ...headers, ...written.headers }, body: written.body }
      const isAnswered = answerEarly(req, res, answer, DRAIN)
      note(res, { isAnswered })
    }
    const succeed = (outcome: Outcome): void => {
      const { status, content } = outcome
      const body = success(outcome, links)
      note(res, { md5: content.md5, outcome: status })
      reply(200, {}, body, { status, url: body.url, name: content.filename || content.file })
    }
    note(res, { door: 'form' })
    try {
      const md5 = declaredMd5(req)
      const sha256 = declaredSha256(req.query['sha256'])
      const standing = md5 && (await intake.demand(intake.standing(md5), sha256))
      if (standing?.state === 'exists') return succeed({ status: 'exists', content: standing.content })
      await refuseHopeless(req, standing, intake)
      const form = Form.open(req)
      welcomeBody(req, res)
      succeed(await receive(form, req, intake, { md5, sha256 }))
    } catch (error) {
      if (req.destroyed && !req.complete) return // nobody is there to be answered
      const known = asFerryError(error)
      note(res, { error: known })
      reply(statusOf(known, 'json'), errorHeaders(known), errorReply(known), known)
    }
  }
}

interface Declared {
  md5: Md5 | undefined
  sha256: Sha256 | undefined
}

interface Outcome {
  status: 'ok' | 'exists'
  content: Stored
}

function success({ status, content }: Outcome, links: Links): Extract<UploadReply, { url: string }> {
  const { file, md5, sha256 } = content
  return { status, url: links.file(file), md5, ...(sha256 && { sha256 }) }
}

function declaredMd5(req: Request): Md5 | undefined {
  const text = req.query['md5']
  if (text === undefined || text === '') return undefined
  const md5 = parseMd5(text)
  if (!md5) throw new FerryError('bad-md5', 'md5 must be 32 hex digits')
  return md5
}

/** Throws what is certain before the first byte of the body: `uploading`, `too-large`, `disk-full`. */
async function refuseHopeless(req: Request, standing: Standing | undefined, intake: Intake): Promise<void> {
  if (standing?.state === 'uploading') throw uploadingElsewhere(standing)
  const least = leastSize(req)
  if (least > 0) await intake.expectRoom(least)
}

/** Bytes that the file has at least, going by the length of the whole form. */
function leastSize(req: Request): number {
  return Math.max(0, Number(req.headers['content-length'] ?? 0) - WRAPPING)
}

function originOf(req: Request): Origin {
  return { door: 'form', resumable: false, address: addressOf(req), announced: leastSize(req) }
}

/** Reads the form; what breaks off leaves nothing. `exists` where another upload has brought the content meanwhile. */
async function receive(
  form: Form,
  req: Request,
  intake: Intake,
  { md5, sha256 }: Declared,
): Promise<Outcome> {
  const name = typeof req.query['filename'] === 'string' ? req.query['filename'] : ''
  let upload: FormUpload | undefined
  try {
    const known = await new Promise<Stored | undefined>((resolve, reject) => {
      const read = form.read(FIELD, (part, filename) => {
        // Whoever declares a SHA-256 has been answered by now, or is after all bytes have come.
        const standing = md5 && !sha256 ? intake.standing(md5) : undefined
        if (standing?.state === 'exists') return resolve(standing.content)
        upload = new FormUpload(intake, part, originOf(req), () => req.destroy())
        const claim = {
          md5,
          sha256,
          filename: bareName(name || filename),
          size: undefined,
          client: undefined,
        }
        upload.receive(claim).catch(reject)
      })
      read.then(() => resolve(undefined), reject)
    })
    if (known) return { status: 'exists', content: known }
    if (!upload) throw new FerryError('missing-field', `the form has no field "${FIELD}"`)
    const content = await upload.complete()
    return { status: upload.known ? 'exists' : 'ok', content }
  } catch (error) {
    await upload?.abandon(asFerryError(error))
    throw error
  } finally {
    form.leave()
  }
}

/** One file of a form on its way in. Nobody can go on with it, so whatever breaks it off removes it. */
class FormUpload {
  #id: string | undefined
  #release: (() => void) | undefined
  #received: Promise<void> | undefined
  /** What has come from somebody else since the request was looked at. */
  known: Stored | undefined

  constructor(
    readonly intake: Intake,
    readonly file: Readable,
    readonly origin: Origin,
    /** Ends the request, when the server stops. */
    readonly hangUp: () => void,
  ) {}

  receive(claim: Parameters<Intake['create']>[0]): Promise<void> {
    this.#received = this.#take(claim)
    return this.#received
  }

  async #take(claim: Parameters<Intake['create']>[0]): Promise<void> {
    const created = await this.intake.create(claim, this.origin)
    const { id } = created
    if (created.state === 'finished') {
      this.known = created.content
      return void this.file.resume()
    }
    this.#id = id
    this.#release = await this.intake.uploads.acquire(id, this.hangUp)
    await this.intake.receive(id, 0, this.file)
  }

  /** To be called when the form has ended well: only then is the file known to be whole. */
  async complete(): Promise<Stored> {
    try {
      await this.#received
      if (this.known) return this.known
      const upload = await this.intake.complete(this.#id!)
      if (upload.state !== 'finished') throw new Error('a complete form did not finish')
      return upload.content
    } finally {
      this.#release?.()
    }
  }

  async abandon(reason: FerryError): Promise<void> {
    this.file.destroy(reason)
    await this.#received?.catch(() => undefined)
    const ending = reason.code === 'bad-form' ? 'broken-off' : 'failed'
    if (this.#id) await this.intake.terminate(this.#id, ending).catch(() => undefined)
    this.#release?.()
  }
}

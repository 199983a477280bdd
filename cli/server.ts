import { HEADERS, METADATA, type Md5, PATHS, TUS_MISMATCH, type UploadingReply } from '../src/contract.js'
import { ClientError, systemCodeOf } from './errors.js'
import { type Reply, problemOf } from './reply.js'
import { request } from './request.js'

/** What the server knows of our content; an `ErrorReply` has become an error. */
export type Standing = { status: 'exists'; url: string } | { status: 'notfound' } | UploadingReply

/** What we declare when an upload is created. */
export interface Claim {
  md5: Md5
  filename: string
  /** Bytes. */
  size: number
}

/** /check and the creation of an upload answer at once; who does not is not there. */
const ANSWER_MS = 30_000

/** One server as one client sees it. Its methods throw ClientErrors, or the signal's reason. */
export class Server {
  readonly #base: string
  readonly #signal: AbortSignal
  /** Once it has answered as a ferry server, whatever else we hear is the line's or a proxy's, and will pass. */
  #isKnown = false

  /** `base` is an origin with an optional path prefix, without a trailing slash. */
  constructor(base: string, signal: AbortSignal) {
    this.#base = base
    this.#signal = signal
  }

  checkUrl(md5: Md5): string {
    return `${this.#base}${PATHS.check}?md5=${md5}`
  }

  /** Asks what the server knows of `md5`; it tells the owner of an unfinished upload that it may go on. */
  async check(md5: Md5, client: string, withinMs = ANSWER_MS): Promise<Standing> {
    const reply = await this.#request('GET', this.checkUrl(md5), { [HEADERS.client]: client }, withinMs)
    const standing = reply.status === 200 ? parseStanding(reply) : undefined
    if (!standing) throw this.#problem(reply)
    this.#isKnown = true
    return standing
  }

  /**
   * Creates an upload (tus creation extension), or gets one back that the server lets us go on with. Returns its URL.
   * Throws `uploading-elsewhere` if another client is at it.
   */
  async create(claim: Claim, client: string): Promise<string> {
    const reply = await this.#request('POST', `${this.#base}${PATHS.tus}`, {
      'tus-resumable': '1.0.0',
      'upload-length': `${claim.size}`,
      'upload-metadata': encodeMetadata({
        [METADATA.md5]: claim.md5,
        [METADATA.filename]: claim.filename,
        [METADATA.client]: client,
      }),
    })
    if (reply.status === 201 && reply.location !== undefined) return this.#uploadUrl(reply.location)
    const standing = parseStanding(reply)
    throw standing?.status === 'uploading' ? uploadingElsewhere(standing) : this.#problem(reply)
  }

  async #request(
    method: string,
    url: string,
    headers: Record<string, string>,
    withinMs = ANSWER_MS,
  ): Promise<Reply> {
    const timeout = AbortSignal.timeout(withinMs)
    try {
      return await request(method, url, headers, AbortSignal.any([this.#signal, timeout]))
    } catch (error) {
      if (this.#signal.aborted) throw this.#signal.reason
      throw this.#unreachable((timeout.aborted ? 'ETIMEDOUT' : systemCodeOf(error)) ?? String(error), error)
    }
  }

  #unreachable(reason: string, cause: unknown): ClientError {
    if (reason === 'ENOTFOUND' && !this.#isKnown)
      return new ClientError('host-unknown', { subject: new URL(this.#base).hostname }, { cause })
    // It answers, but in another language than HTTP, or as somebody else than its certificate says.
    if (/^HPE_|SSL|TLS|CERT|UNABLE_TO/.test(reason)) return this.#notFerry(reason)
    return new ClientError('line-down', { reason }, { cause })
  }

  /** An answer that is no success, told apart by who may have said it. */
  #problem(reply: Reply): ClientError {
    const { status, json } = reply
    const isPassing = status >= 500 || status === 408 || status === 429
    const isOurs = this.#isKnown || json?.['status'] === 'error' || status === 413 || status === TUS_MISMATCH
    if (status >= 400 && (isPassing || isOurs)) return problemOf(reply)
    return this.#redirected(reply) ?? this.#notFerry(`HTTP ${status}`)
  }

  #redirected({ status, location }: Reply): ClientError | undefined {
    if (this.#isKnown || status < 300 || status >= 400 || !location) return undefined
    const target = new URL(location, this.#base).href.replace(/\/(check|tus)\/?(\?.*)?$/, '')
    return new ClientError('redirected', { subject: target })
  }

  #notFerry(reason: string): ClientError {
    return this.#isKnown
      ? new ClientError('line-down', { reason })
      : new ClientError('not-ferry', { subject: this.#base, reason })
  }

  /** The way we came works; the host in a Location may be one that only a proxy can reach. */
  #uploadUrl(location: string): string {
    const url = new URL(location, `${this.#base}${PATHS.tus}/`)
    const id = new RegExp(`${PATHS.tus}/([^/]+)$`).exec(url.pathname)?.[1]
    return id === undefined ? url.href : `${this.#base}${PATHS.tus}/${id}`
  }
}

/** The error for a content that another client is uploading. */
export function uploadingElsewhere({ offset, size }: UploadingReply): ClientError {
  return new ClientError('uploading-elsewhere', {
    ...(typeof offset === 'number' && { offset }),
    ...(typeof size === 'number' && { size }),
  })
}

function parseStanding({ json }: Reply): Standing | undefined {
  const { status, url } = json ?? {}
  if (status === 'exists' && typeof url === 'string') return { status, url }
  if (status === 'notfound') return { status }
  return status === 'uploading' ? (json as unknown as UploadingReply) : undefined
}

/** tus 1.0, Upload-Metadata: `key base64,key base64`. */
function encodeMetadata(pairs: Record<string, string>): string {
  return Object.entries(pairs)
    .map(([key, value]) => `${key} ${Buffer.from(value).toString('base64')}`)
    .join(',')
}

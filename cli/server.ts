import http from 'node:http'
import https from 'node:https'
import {
  HEADERS,
  METADATA,
  type Md5,
  PATHS,
  type Sha256,
  TUS_MISMATCH,
  type UploadingReply,
} from '../src/contract.js'
import type { Range } from '../src/spread/ranges.js'
import { ClientError, systemCodeOf } from './errors.js'
import type { Digests } from './hashing/digests.js'
import type { Way } from './net/way.js'
import { nameOf } from './net/proxy.js'
import { type Reply, problemOf } from './reply.js'
import { request, send, type Sending } from './request.js'
import { encodeMetadata, parseStanding, parseStandings, type Standing } from './wire.js'

/** What we declare when an upload is created. */
export interface Claim {
  /** Undefined while it is still being computed: `bind` tells it later. */
  md5: Md5 | undefined
  /** Undefined where the MD5 is trusted. */
  sha256?: Sha256 | undefined
  filename: string
  /** Bytes. */
  size: number
}

/** /check and the creation of an upload answer at once; who does not is not there. */
const ANSWER_MS = 30_000
/** The same where another try over another connection costs nothing. */
const QUICK_MS = 8000
/** What a piece of some megabytes may take on a poor line, at most, and of each byte. */
const PIECE_MS = 10 * 60_000
const BYTE_MS = 1 / 4
const FAREWELL_MS = 3000
const TUS = { 'tus-resumable': '1.0.0' }
const BODY = { 'content-type': 'application/offset+octet-stream' }

/** One server as one client sees it. Its methods throw ClientErrors, or the signal's reason. */
export class Server {
  readonly #base: string
  readonly #signal: AbortSignal
  readonly #way: Way | undefined
  /** Once it has answered as a ferry server, whatever else we hear is the line's or a proxy's, and will pass. */
  #isKnown = false
  #tripMs = Infinity

  /** `base` is an origin with an optional path prefix, without a trailing slash. Without a `way`: directly. */
  constructor(base: string, signal: AbortSignal, way?: Way) {
    this.#base = base
    this.#signal = signal
    this.#way = way
  }

  /** The shortest time that a question and its answer have taken, in milliseconds: hardly more than a round trip. */
  get tripMs(): number {
    return this.#tripMs
  }

  checkUrl(md5: Md5, sha256?: Sha256): string {
    return `${this.#base}${PATHS.check}?md5=${md5}${sha256 ? `&sha256=${sha256}` : ''}`
  }

  /** Asks what the server knows of `md5`; it tells the owner of an unfinished upload that it may go on. */
  async check(md5: Md5, client?: string, withinMs = ANSWER_MS): Promise<Standing> {
    return (await this.#ask('GET', this.checkUrl(md5), client, withinMs)).standing
  }

  /** The same, and of what exists a link that opens it to everybody for so many seconds, where the server has such. */
  async checkSigned(md5: Md5, seconds: number): Promise<Standing> {
    return (await this.#ask('GET', `${this.checkUrl(md5)}&expires=${seconds}`, undefined)).standing
  }

  /** The same; where a SHA-256 is given, the MD5 alone proves nothing. Throws `collision`, `no-sha256` (an older server). */
  async look({ md5, sha256 }: Digests, client?: string): Promise<Standing> {
    if (!sha256) return this.check(md5, client)
    const { standing } = await this.#ask('GET', this.checkUrl(md5, sha256), client)
    this.#expectDemanded(standing, sha256)
    return standing
  }

  /** The same for several at once, an answer for each in their order; one by one where the server is an older one. */
  async checkMany(md5s: readonly Md5[], client: string): Promise<Standing[]> {
    if (md5s.length === 1) return [await this.check(md5s[0]!, client)]
    const url = `${this.#base}${PATHS.check}?md5s=${md5s.join(',')}`
    const reply = await this.#request('GET', url, { [HEADERS.client]: client })
    const standings = reply.status === 200 ? parseStandings(reply, md5s.length) : undefined
    if (standings) return standings
    if (reply.json?.['code'] === 'bad-md5') return Promise.all(md5s.map((md5) => this.check(md5, client)))
    throw this.#problem(reply)
  }

  /** Whether a content of so many bytes may be known: where not, nobody has to hash a file before it is sent. */
  async mayHave(size: number): Promise<boolean> {
    const reply = await this.#request('GET', `${this.#base}${PATHS.check}?size=${size}`, {})
    // An older server does not know the question.
    const isOlder = reply.status === 400 && reply.json?.['status'] === 'error'
    if (!isOlder && (reply.status !== 200 || !reply.json)) throw this.#problem(reply)
    this.#isKnown = true
    return reply.json?.['possible'] !== false
  }

  /** The same as `check`, but answered only when the content is no longer arriving from another client, or after a while. */
  async checkAfter(md5: Md5, client: string, seconds: number): Promise<Standing> {
    const url = `${this.checkUrl(md5)}&wait=${seconds}`
    return (await this.#ask('GET', url, client, seconds * 1000 + ANSWER_MS)).standing
  }

  /**
   * Creates an upload (tus creation extension), or gets one back that the server lets us go on with. Returns its URL.
   * Throws `uploading-elsewhere` if another client is at it.
   */
  async create(claim: Claim, client: string): Promise<string> {
    return (await this.#create(claim, client)).url
  }

  /** Creates an upload and sends the whole file along (creation-with-upload); true if the server has all of it. */
  async createWhole(claim: Claim, client: string, bytes: Uint8Array): Promise<boolean> {
    return (await this.#create(claim, client, bytes)).offset === bytes.length
  }

  /** Declares the MD5 of an upload that was created without one; `bound` says whether to go on with it. */
  async bind(
    uploadUrl: string,
    md5: Md5,
    client: string,
    sha256?: Sha256,
  ): Promise<Standing & { bound: boolean }> {
    const id = uploadUrl.split('/').at(-1) ?? ''
    const url = `${this.checkUrl(md5, sha256)}&upload=${id}`
    const { standing, json } = await this.#ask('POST', url, client)
    if (sha256) this.#expectDemanded(standing, sha256)
    return { ...standing, bound: json?.['bound'] === true }
  }

  /**
   * Ends an unfinished upload and removes its bytes; one that is finished, or gone, stays as it is. Also when the run has
   * been interrupted; then, as everywhere, who does not answer is not waited for.
   */
  async terminate(uploadUrl: string): Promise<void> {
    const headers = { ...TUS, ...this.#way?.headersFor(uploadUrl) }
    const agent = this.#way?.agentFor(uploadUrl)
    await request('DELETE', uploadUrl, headers, AbortSignal.timeout(FAREWELL_MS), { agent })
  }

  /** Sends one piece of an upload, and returns where it stands then. `size`: its whole size, once that is known. */
  async append(uploadUrl: string, offset: number, bytes: Uint8Array, size?: number): Promise<number> {
    const headers = { ...TUS, ...BODY, 'upload-offset': `${offset}` }
    const length = size === undefined ? {} : { 'upload-length': `${size}` }
    const reply = await this.#request('PATCH', uploadUrl, { ...headers, ...length }, withinOf(bytes), bytes)
    if (reply.status !== 204) throw this.#problem(reply)
    return reply.offset ?? offset + bytes.length
  }

  /** Where an upload stands. Throws `upload-gone`. */
  async offset(uploadUrl: string): Promise<number> {
    const reply = await this.#request('HEAD', uploadUrl, TUS)
    if (reply.status !== 200 || reply.offset === undefined) throw this.#problem(reply)
    return reply.offset
  }

  /** What of an upload is on disk, in any order, and whether it takes pieces. Throws `upload-gone`. */
  async stand(uploadUrl: string): Promise<{ there: Range[]; takesPieces: boolean }> {
    const reply = await this.#request('HEAD', uploadUrl, TUS, QUICK_MS)
    if (reply.status !== 200 || reply.offset === undefined) throw this.#problem(reply)
    const there = [{ start: 0, end: reply.offset }, ...(reply.ahead ?? [])]
    return { there, takesPieces: reply.ahead !== undefined }
  }

  /**
   * Sends a stretch of an upload's file to its place, as a piece of its own (creation-with-upload). Returns how many of its
   * bytes are on disk. Throws `upload-gone`, the sending's signal's reason.
   */
  async put(uploadUrl: string, { start, end }: Range, sending: Sending): Promise<number> {
    const of = uploadUrl.split('/').at(-1) ?? ''
    const metadata = encodeMetadata({ [METADATA.of]: of, [METADATA.at]: `${start}` })
    const length = { 'upload-length': `${end - start}`, 'content-length': `${end - start}` }
    const headers = { ...TUS, ...BODY, 'upload-concat': 'partial', ...length, 'upload-metadata': metadata }
    const url = `${this.#base}${PATHS.tus}`
    const way = { ...headers, ...this.#way?.headersFor(url) }
    try {
      const reply = await send(url, way, sending, this.#way?.agentFor(url))
      if (reply.status !== 201) throw this.#problem(reply)
      return reply.offset ?? 0
    } catch (error) {
      if (sending.signal.aborted) throw sending.signal.reason
      if (error instanceof ClientError) throw error
      throw this.#unreachable(systemCodeOf(error) ?? String(error), error)
    }
  }

  /** Closes the connections that nothing goes over just now. */
  closeIdle(): void {
    const { globalAgent } = this.#base.startsWith('https:') ? https : http
    const agent = this.#way?.agentFor(this.#base) ?? globalAgent
    for (const socket of Object.values(agent.freeSockets).flat()) socket?.destroy()
  }

  /** Creates an upload whose size nobody knows yet (creation-defer-length). Returns its URL. */
  async createEndless(filename: string, client: string): Promise<string> {
    const metadata = { [METADATA.filename]: filename, [METADATA.client]: client }
    const headers = { 'upload-defer-length': '1', 'upload-metadata': encodeMetadata(metadata) }
    return (await this.#post(headers)).url
  }

  /** A question to /check, whose answer is a standing. */
  async #ask(
    method: 'GET' | 'POST',
    url: string,
    client: string | undefined,
    withinMs = ANSWER_MS,
  ): Promise<{ standing: Standing; json: Reply['json'] }> {
    const headers: Record<string, string> = client === undefined ? {} : { [HEADERS.client]: client }
    const reply = await this.#request(method, url, headers, withinMs)
    const standing = reply.status === 200 ? parseStanding(reply) : undefined
    if (!standing) throw this.#problem(reply)
    this.#isKnown = true
    return { standing, json: reply.json }
  }

  /** A server that compares SHA-256s says so by telling the declared one again. */
  #expectDemanded({ sha256 }: Standing, demanded: Sha256): void {
    if (sha256 === undefined) throw new ClientError('no-sha256', { subject: this.#base })
    if (sha256 !== demanded) throw new ClientError('collision')
  }

  #create(claim: Claim, client: string, bytes?: Uint8Array): Promise<{ url: string; offset: number }> {
    const metadata = {
      ...(claim.md5 && { [METADATA.md5]: claim.md5 }),
      ...(claim.sha256 && { [METADATA.sha256]: claim.sha256 }),
      [METADATA.filename]: claim.filename,
      [METADATA.client]: client,
    }
    const length = { 'upload-length': `${claim.size}` }
    return this.#post({ ...length, 'upload-metadata': encodeMetadata(metadata), ...(bytes && BODY) }, bytes)
  }

  async #post(headers: Record<string, string>, bytes?: Uint8Array): Promise<{ url: string; offset: number }> {
    const url = `${this.#base}${PATHS.tus}`
    const reply = await this.#request('POST', url, { ...TUS, ...headers }, withinOf(bytes), bytes)
    if (reply.status === 201 && reply.location !== undefined) {
      this.#isKnown = true
      const uploadUrl = this.#uploadUrl(reply.location)
      if (uploadUrl === undefined) throw this.#notFerry('Location')
      return { url: uploadUrl, offset: reply.offset ?? 0 }
    }
    const standing = parseStanding(reply)
    throw standing?.status === 'uploading' ? uploadingElsewhere(standing) : this.#problem(reply)
  }

  async #request(
    method: string,
    url: string,
    headers: Record<string, string>,
    withinMs = ANSWER_MS,
    body?: Uint8Array,
  ): Promise<Reply> {
    const timeout = AbortSignal.timeout(withinMs)
    const signal = AbortSignal.any([this.#signal, timeout])
    const agent = this.#way?.agentFor(url)
    const begun = performance.now()
    try {
      const options = { body, agent }
      const reply = await request(method, url, { ...headers, ...this.#way?.headersFor(url) }, signal, options)
      this.#tripMs = Math.min(this.#tripMs, performance.now() - begun)
      return reply
    } catch (error) {
      if (this.#signal.aborted) throw this.#signal.reason
      throw this.#unreachable((timeout.aborted ? 'ETIMEDOUT' : systemCodeOf(error)) ?? String(error), error)
    }
  }

  #unreachable(reason: string, cause: unknown): ClientError {
    if (reason === 'ENOTFOUND' && !this.#isKnown)
      return new ClientError('host-unknown', { subject: new URL(this.#base).hostname }, { cause })
    // It answers, but in another language than HTTP, or as somebody else than its certificate says.
    if (this.#way && /^CERT_|SELF_SIGNED|UNABLE_TO|ALTNAME/.test(reason))
      return new ClientError('untrusted', { subject: this.#base, reason }, { cause })
    if (/^HPE_|SSL|TLS|CERT|UNABLE_TO/.test(reason)) return this.#notFerry(reason)
    return new ClientError('line-down', { reason }, { cause })
  }

  /** An answer that is no success, told apart by who may have said it. */
  #problem(reply: Reply): ClientError {
    const { status, json, isTus } = reply
    const atTheDoor = this.#turnedAway(status)
    if (atTheDoor) return atTheDoor
    const isPassing = status >= 500 || status === 408 || status === 429
    const isSaidByFerry = isTus || json?.['status'] === 'error' || status === TUS_MISMATCH
    const isOurs = this.#isKnown || isSaidByFerry || status === 413
    if (status >= 400 && (isPassing || isOurs)) return problemOf(reply)
    return this.#redirected(reply) ?? this.#notFerry(`HTTP ${status}`)
  }

  /** Who asks for a secret that we do not have, or have wrong: the server, or the proxy on the way. */
  #turnedAway(status: number): ClientError | undefined {
    const proxy = this.#way?.proxyFor(this.#base)
    if (proxy && status === 407) return new ClientError('proxy-refuses', { subject: nameOf(proxy), status })
    const isAsked = this.#way && (status === 401 || status === 403)
    return isAsked ? new ClientError('not-allowed', { subject: this.#base, status }) : undefined
  }

  #redirected({ status, location }: Reply): ClientError | undefined {
    if (this.#isKnown || status < 300 || status >= 400 || !location) return undefined
    const target = webAddress(location, this.#base)
    if (!target) return undefined
    return new ClientError('redirected', { subject: target.href.replace(/\/(check|tus)\/?(\?.*)?$/, '') })
  }

  #notFerry(reason: string): ClientError {
    return this.#isKnown
      ? new ClientError('line-down', { reason })
      : new ClientError('not-ferry', { subject: this.#base, reason })
  }

  /** The way we came works; the host in a Location may be one that only a proxy can reach. */
  #uploadUrl(location: string): string | undefined {
    const url = webAddress(location, `${this.#base}${PATHS.tus}/`)
    if (!url) return undefined
    const id = new RegExp(`${PATHS.tus}/([^/]+)$`).exec(url.pathname)?.[1]
    return id === undefined ? url.href : `${this.#base}${PATHS.tus}/${id}`
  }
}

/** Where a server sends us; undefined where that is nowhere on the web. */
function webAddress(location: string, base: string): URL | undefined {
  const url = URL.canParse(location, base) ? new URL(location, base) : undefined
  return url && /^https?:$/.test(url.protocol) ? url : undefined
}

/** How long a request with so many bytes may take. */
function withinOf(bytes: Uint8Array | undefined): number {
  return Math.min(PIECE_MS, Math.ceil(ANSWER_MS + (bytes?.length ?? 0) * BYTE_MS))
}

/** The error for a content that another client is uploading. */
export function uploadingElsewhere({ offset, size }: UploadingReply): ClientError {
  return new ClientError('uploading-elsewhere', {
    ...(typeof offset === 'number' && { offset }),
    ...(typeof size === 'number' && { size }),
  })
}

import { HEADERS, METADATA, type Md5, PATHS, type Sha256, type UploadingReply } from '../src/contract.js'
import type { Range } from '../src/spread/ranges.js'
import { ClientError } from './errors.js'
import type { Digests } from './hashing/digests.js'
import type { Way } from './net/way.js'
import { Peer } from './peer.js'
import type { Reply } from './reply.js'
import type { Sending } from './request.js'
import { encodeMetadata, parseStanding, parseStandings, type Standing, webAddress } from './wire.js'

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
  readonly #peer: Peer

  /** `base` is an origin with an optional path prefix, without a trailing slash. Without a `way`: directly. */
  constructor(base: string, signal: AbortSignal, way?: Way) {
    this.#base = base
    this.#peer = new Peer(base, signal, way)
  }

  /** The shortest time that a question and its answer have taken, in milliseconds: hardly more than a round trip. */
  get tripMs(): number {
    return this.#peer.tripMs
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
    const reply = await this.#peer.request('GET', url, { [HEADERS.client]: client }, ANSWER_MS)
    const standings = reply.status === 200 ? parseStandings(reply, md5s.length) : undefined
    if (standings) return standings
    if (reply.json?.['code'] === 'bad-md5') return Promise.all(md5s.map((md5) => this.check(md5, client)))
    throw this.#peer.problem(reply)
  }

  /** Whether a content of so many bytes may be known: where not, nobody has to hash a file before it is sent. */
  async mayHave(size: number): Promise<boolean> {
    const reply = await this.#peer.request('GET', `${this.#base}${PATHS.check}?size=${size}`, {}, ANSWER_MS)
    // An older server does not know the question.
    const isOlder = reply.status === 400 && reply.json?.['status'] === 'error'
    if (!isOlder && (reply.status !== 200 || !reply.json)) throw this.#peer.problem(reply)
    this.#peer.isKnown = true
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
    await this.#peer.farewell('DELETE', uploadUrl, TUS, FAREWELL_MS)
  }

  /** Sends one piece of an upload, and returns where it stands then. `size`: its whole size, once that is known. */
  async append(uploadUrl: string, offset: number, bytes: Uint8Array, size?: number): Promise<number> {
    const length = size === undefined ? {} : { 'upload-length': `${size}` }
    const headers = { ...TUS, ...BODY, 'upload-offset': `${offset}`, ...length }
    const reply = await this.#peer.request('PATCH', uploadUrl, headers, withinOf(bytes), bytes)
    if (reply.status !== 204) throw this.#peer.problem(reply)
    return reply.offset ?? offset + bytes.length
  }

  /** Where an upload stands. Throws `upload-gone`. */
  async offset(uploadUrl: string): Promise<number> {
    const reply = await this.#peer.request('HEAD', uploadUrl, TUS, ANSWER_MS)
    if (reply.status !== 200 || reply.offset === undefined) throw this.#peer.problem(reply)
    return reply.offset
  }

  /** What of an upload is on disk, in any order, and whether it takes pieces. Throws `upload-gone`. */
  async stand(uploadUrl: string): Promise<{ there: Range[]; takesPieces: boolean }> {
    const reply = await this.#peer.request('HEAD', uploadUrl, TUS, QUICK_MS)
    if (reply.status !== 200 || reply.offset === undefined) throw this.#peer.problem(reply)
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
    const reply = await this.#peer.send(url, headers, sending)
    if (reply.status !== 201) throw this.#peer.problem(reply)
    return reply.offset ?? 0
  }

  /** Closes the connections that nothing goes over just now. */
  closeIdle(): void {
    this.#peer.closeIdle()
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
    const reply = await this.#peer.request(method, url, headers, withinMs)
    const standing = reply.status === 200 ? parseStanding(reply) : undefined
    if (!standing) throw this.#peer.problem(reply)
    this.#peer.isKnown = true
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
    const reply = await this.#peer.request('POST', url, { ...TUS, ...headers }, withinOf(bytes), bytes)
    if (reply.status === 201 && reply.location !== undefined) {
      this.#peer.isKnown = true
      const uploadUrl = this.#uploadUrl(reply.location)
      if (uploadUrl === undefined) throw this.#peer.notFerry('Location')
      return { url: uploadUrl, offset: reply.offset ?? 0 }
    }
    const standing = parseStanding(reply)
    throw standing?.status === 'uploading' ? uploadingElsewhere(standing) : this.#peer.problem(reply)
  }

  /** The way we came works; the host in a Location may be one that only a proxy can reach. */
  #uploadUrl(location: string): string | undefined {
    const url = webAddress(location, `${this.#base}${PATHS.tus}/`)
    if (!url) return undefined
    const id = new RegExp(`${PATHS.tus}/([^/]+)$`).exec(url.pathname)?.[1]
    return id === undefined ? url.href : `${this.#base}${PATHS.tus}/${id}`
  }
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

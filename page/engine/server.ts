import { HEADERS, METADATA, PATHS, type Md5 } from '../../src/contract.js'
import { parseAhead } from '../../src/spread/ahead.js'
import type { Range } from '../../src/spread/ranges.js'
import type { Access } from './access.js'
import { isLink } from './links.js'
import { post } from './post.js'
import { isProblem, Problem, problemOf } from './problem.js'
import { assertReadable } from './readable.js'

/** What the server knows of an MD5. Bytes. */
export type Standing =
  | { status: 'exists'; url: string; size: number }
  | { status: 'uploading'; offset: number; resumable: boolean }
  | { status: 'notfound' }

/** What is declared when an upload is created. */
export interface Claim {
  readonly md5: Md5 | undefined
  readonly filename: string
  /** Bytes. */
  readonly size: number
}

/** Where an upload stands, in bytes: without a gap, and beyond that; undefined where the server takes no pieces of it. */
interface Stand {
  offset: number
  ahead: Range[] | undefined
}

/** These answer at once; who does not is not there. */
const ANSWER_MS = 20_000
/** The same where nothing moves, and somebody waits to be told. */
const QUICK_MS = 8000
/** What a small file may take on a poor line. */
const WHOLE_MS = 120_000
const TUS = { 'Tus-Resumable': '1.0.0' }
const BODY = { 'Content-Type': 'application/offset+octet-stream' }

interface Order {
  signal: AbortSignal
  headers?: Record<string, string>
  body?: Blob
  withinMs?: number
}

/** The server as the page sees it. Its methods throw Problems, or the signal's reason. */
export class Server {
  readonly #base: string
  readonly #access: Access
  #tripMs = Infinity

  /** `base`: the page's own address, up to and without its last slash. */
  constructor(base: string, access: Access) {
    this.#base = base
    this.#access = access
  }

  /** The shortest time that a question and its answer have taken, in milliseconds: hardly more than a round trip. */
  get tripMs(): number {
    return this.#tripMs
  }

  /** An upload is spoken to where the page comes from, by whatever name the server goes elsewhere. */
  uploadUrl(id: string): string {
    return `${this.#base}${PATHS.tus}/${id}`
  }

  /** What the server knows of each, in their order. */
  async check(md5s: readonly Md5[], client: string, signal: AbortSignal): Promise<Standing[]> {
    const headers = { [HEADERS.client]: client }
    if (md5s.length === 1) {
      const reply = await this.#json('GET', `${PATHS.check}?md5=${md5s[0]}`, { signal, headers })
      return [standingOf(reply)]
    }
    const reply = await this.#json('GET', `${PATHS.check}?md5s=${md5s.join(',')}`, { signal, headers })
    const answers = Array.isArray(reply['answers']) ? (reply['answers'] as (Reply | null)[]) : []
    if (answers.length !== md5s.length) throw new Problem('busy', 'not an answer of /check')
    return answers.map(standingOf)
  }

  /** Whether anything of so many bytes may be on the shelf or arriving. */
  async mayHave(size: number, signal: AbortSignal): Promise<boolean> {
    return (await this.#json('GET', `${PATHS.check}?size=${size}`, { signal }))['possible'] !== false
  }

  /** Declares the MD5 of an upload that was created without one. False where another upload of it is the better one. */
  async bind(id: string, md5: Md5, client: string, signal: AbortSignal): Promise<boolean> {
    const headers = { [HEADERS.client]: client }
    const reply = await this.#json('POST', `${PATHS.check}?md5=${md5}&upload=${id}`, { signal, headers })
    return reply['bound'] === true
  }

  /** Creates an upload (tus creation), or gets one back to go on with. Returns its id. */
  async create(claim: Claim, client: string, signal: AbortSignal): Promise<string> {
    const response = await this.#create(claim, client, { signal })
    return idIn(response)
  }

  /** Creates an upload and sends all of it along (tus creation-with-upload). Returns its id, and whether that was all. */
  async createWhole(
    claim: Claim,
    client: string,
    body: Blob,
    signal: AbortSignal,
  ): Promise<{ id: string; isComplete: boolean }> {
    const response = await this.#create(claim, client, {
      signal,
      body,
      headers: BODY,
      withinMs: WHOLE_MS,
    })
    const isComplete = Number(response.headers.get('Upload-Offset') ?? -1) === claim.size
    return { id: idIn(response), isComplete }
  }

  /** Where an upload stands. Throws `gone`. */
  async stand(id: string, signal: AbortSignal): Promise<Stand> {
    const order = { signal, headers: TUS, withinMs: QUICK_MS }
    const { headers } = await this.#request('HEAD', `${PATHS.tus}/${id}`, order)
    const offset = headers.get('Upload-Offset') ?? ''
    if (!/^\d{1,15}$/.test(offset)) throw new Problem('busy', 'not an answer of /tus')
    return { offset: Number(offset), ahead: parseAhead(headers.get(HEADERS.ahead)) }
  }

  /**
   * Sends a stretch of a file, that begins at `at`, to its place in the file's upload, as a piece of its own (tus
   * creation-with-upload). `onSent` hears how many bytes have gone out. Returns how many of them are on the server's disk.
   */
  async put(
    id: string,
    at: number,
    stretch: Blob,
    signal: AbortSignal,
    onSent: (bytes: number) => void,
  ): Promise<number> {
    const headers = {
      ...TUS,
      ...BODY,
      'Upload-Concat': 'partial',
      'Upload-Length': String(stretch.size),
      'Upload-Metadata': encode({ [METADATA.of]: id, [METADATA.at]: String(at) }),
      ...this.#access.headers(),
    }
    const answer = await post(`${this.#base}${PATHS.tus}`, { headers, body: stretch, signal, onSent })
    // A page of some proxy: the line's doing, and it will pass.
    if (answer.status < 400 && answer.status !== 201) throw new Problem('busy', `HTTP ${answer.status}`)
    if (answer.status !== 201) throw problemOf(answer)
    return Math.max(0, Math.min(stretch.size, Number(answer.header('Upload-Offset')) || 0))
  }

  /** Ends an upload and removes its bytes (tus termination); one that is gone is fine. */
  async drop(id: string, signal: AbortSignal): Promise<void> {
    try {
      await this.#request('DELETE', `${PATHS.tus}/${id}`, { signal, headers: TUS })
    } catch (error) {
      if (!isProblem(error, 'gone')) throw error
    }
  }

  /** The largest file that the server takes, in bytes (tus `Tus-Max-Size`); undefined where it does not say. */
  async largest(signal: AbortSignal): Promise<number | undefined> {
    const { headers } = await this.#request('OPTIONS', PATHS.tus, { signal })
    return Number(headers.get('Tus-Max-Size')) || undefined
  }

  /** Whether nobody answers there but, it may be, a proxy that says so. */
  async isOutOfReach(): Promise<boolean> {
    const signal = AbortSignal.timeout(ANSWER_MS)
    return fetch(`${this.#base}/`, { method: 'HEAD', cache: 'no-store', signal }).then(
      ({ status }) => status >= 500,
      () => true,
    )
  }

  #create(claim: Claim, client: string, order: Order): Promise<Response> {
    const metadata = {
      ...(claim.md5 && { [METADATA.md5]: claim.md5 }),
      [METADATA.filename]: claim.filename,
      [METADATA.client]: client,
    }
    const headers = {
      ...TUS,
      ...order.headers,
      'Upload-Length': String(claim.size),
      'Upload-Metadata': encode(metadata),
    }
    return this.#request('POST', PATHS.tus, { ...order, headers })
  }

  async #json(method: string, path: string, order: Order): Promise<Reply> {
    const response = await this.#request(method, path, order)
    try {
      return ((await response.json()) ?? {}) as Reply
    } catch (error) {
      order.signal.throwIfAborted()
      // A page of some proxy, or an answer cut short: the line's doing, and it will pass.
      throw new Problem('busy', String(error))
    }
  }

  async #request(method: string, path: string, order: Order): Promise<Response> {
    const { signal, headers, body, withinMs = ANSWER_MS } = order
    for (;;) {
      const { token } = this.#access
      const timeout = AbortSignal.timeout(withinMs)
      const begun = performance.now()
      const response = await fetch(`${this.#base}${path}`, {
        method,
        headers: { ...headers, ...this.#access.headers() },
        signal: AbortSignal.any([signal, timeout]),
        cache: 'no-store',
        ...(body && { body }),
      }).catch(async (error: unknown) => {
        signal.throwIfAborted()
        if (body) await assertReadable(body)
        throw new Problem(timeout.aborted ? 'silent' : 'unreachable', String(error))
      })
      this.#tripMs = Math.min(this.#tripMs, performance.now() - begun)
      if (response.ok) return response
      const problem = problemOf({
        status: response.status,
        header: (name) => response.headers.get(name),
        body: await response.text().catch(() => ''),
      })
      if (problem.kind !== 'token') throw problem
      await this.#access.refused(token, signal)
    }
  }
}

type Reply = Record<string, unknown>

function standingOf(reply: Reply | null): Standing {
  const { status, url, size, offset, resumable } = reply ?? {}
  if (status === 'exists' && isLink(url)) return { status, url, size: numberOf(size) }
  if (status === 'uploading') return { status, offset: numberOf(offset), resumable: resumable === true }
  if (status === 'notfound') return { status }
  throw new Problem('busy', 'not an answer of /check')
}

/** 0 where a hostile server has put something else: even `Number` would fail for some. */
function numberOf(value: unknown): number {
  return typeof value === 'number' ? value : 0
}

function idIn(response: Response): string {
  const id = /([0-9a-f]{32})\/?$/.exec(response.headers.get('Location') ?? '')?.[1]
  if (response.status !== 201 || !id) throw new Problem('busy', 'not an answer of /tus')
  return id
}

/** tus `Upload-Metadata`: keys with base64 of UTF-8. */
function encode(metadata: Record<string, string>): string {
  return Object.entries(metadata)
    .map(([key, value]) => `${key} ${base64(value)}`)
    .join(',')
}

function base64(text: string): string {
  return btoa(String.fromCodePoint(...new TextEncoder().encode(text)))
}

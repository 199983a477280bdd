import type { Agent, IncomingMessage } from 'node:http'
import { ClientError } from '../errors.js'
import { asReply, problemOf } from '../reply.js'
import type { Limiter } from '../sending/limiter.js'
import { asLineError, beginningOf, bodyOf, exchange } from './exchange.js'
import { type Facts, Replaced, checkedStart, factsIn, strongEtag } from './facts.js'
import type { Range } from '../../src/spread/ranges.js'
import { shownUrl } from './source.js'

export interface RemoteParts {
  url: URL
  /** For the origin `trusted` alone, wherever the server points us to. */
  headers: Record<string, string>
  trusted: string
  agent: (url: URL) => Agent
  stallMs: number
  limiter?: Limiter | undefined
}

const REDIRECTS = new Set([301, 302, 303, 307, 308])
const MAX_REDIRECTS = 5
const MAX_WORDS_BYTES = 16 * 1024

/** One file on a server. Its methods throw ClientErrors, or the signal's reason. */
export class Remote {
  readonly #parts: RemoteParts
  #isKnown = false
  #tripMs = Infinity

  constructor(parts: RemoteParts) {
    this.#parts = parts
  }

  /** The shortest time that a request and the head of its answer have taken, in milliseconds: hardly more than a round trip. */
  get tripMs(): number {
    return this.#tripMs
  }

  get shownAs(): string {
    return shownUrl(this.#parts.url)
  }

  /** What the server says of the file (RFC 9110 9.3.2). Throws `not-there` where it has none, `not-ferry`. */
  async facts(signal: AbortSignal): Promise<Facts> {
    const response = await this.#askHead(signal)
    const facts = response.statusCode === 200 ? factsIn(response.headers) : undefined
    if (facts) return facts
    throw new ClientError('not-ferry', { subject: this.shownAs, reason: `HTTP ${response.statusCode}` })
  }

  /** Whoever refuses HEAD may give the file all the same; and if not, only the answer to GET has the reason in words. */
  async #askHead(signal: AbortSignal): Promise<IncomingMessage> {
    try {
      return (await this.#ask('HEAD', {}, signal)).resume()
    } catch (error) {
      if (!(error instanceof ClientError) || error.code !== 'refused') throw error
      return (await this.#ask('GET', {}, signal)).destroy()
    }
  }

  /**
   * The bytes of a range of the content that `facts` are about (If-Range, RFC 9110 13.1.5), never more of them.
   * Throws `Replaced` where there is another content now, and `line-down` where they end too early. `onArrived`: the line
   * has brought some; they may have to wait for their turn.
   */
  async *bytes(
    range: Range,
    facts: Facts,
    signal: AbortSignal,
    onArrived: () => void = () => undefined,
  ): AsyncGenerator<Buffer> {
    const etag = strongEtag(facts)
    const asked = { range: `bytes=${range.start}-${range.end - 1}`, ...(etag && { 'if-range': etag }) }
    const response = await this.#ask('GET', asked, signal)
    try {
      let position = checkedStart(response, range, facts)
      for await (const chunk of bodyOf(response, this.#parts.stallMs)) {
        onArrived()
        const wanted = chunk.subarray(Math.max(0, range.start - position), Math.max(0, range.end - position))
        position += chunk.length
        await this.#parts.limiter?.take(wanted.length)
        if (wanted.length > 0) yield wanted
        // Whoever gave us the whole instead of the range would go on; else the connection serves once more.
        if (position > range.end) return
      }
      if (position < range.end) throw new ClientError('line-down', { reason: 'ECONNRESET' })
    } catch (error) {
      throw this.#translate(error, signal)
    } finally {
      // A taker who leaves early would else leave a connection behind that nobody reads.
      if (!response.complete) response.destroy()
    }
  }

  /** The answer with a good status (2xx), at the end of all redirects. */
  async #ask(
    method: 'GET' | 'HEAD',
    headers: Record<string, string>,
    signal: AbortSignal,
  ): Promise<IncomingMessage> {
    try {
      const response = await this.#follow(method, headers, signal)
      if (response.statusCode === 416) throw new Replaced()
      if ((response.statusCode ?? 0) >= 300) throw await this.#problem(response)
      this.#isKnown = true
      return response
    } catch (error) {
      throw this.#translate(error, signal)
    }
  }

  async #follow(
    method: 'GET' | 'HEAD',
    asked: Record<string, string>,
    signal: AbortSignal,
  ): Promise<IncomingMessage> {
    const { stallMs, agent } = this.#parts
    let url = this.#parts.url
    for (let hops = 0; ; hops++) {
      const headers = { ...this.#own(url), 'accept-encoding': 'identity', ...asked }
      const begun = performance.now()
      const response = await exchange({ method, url, headers, agent: agent(url), signal, stallMs })
      this.#tripMs = Math.min(this.#tripMs, performance.now() - begun)
      const target = REDIRECTS.has(response.statusCode ?? 0) ? targetOf(response, url) : undefined
      if (!target || hops === MAX_REDIRECTS) return response
      response.resume()
      url = target
    }
  }

  /** A token is a secret between the user and one server: nobody else gets it, whoever sends us there. */
  #own(url: URL): Record<string, string> {
    return url.origin === this.#parts.trusted ? this.#parts.headers : {}
  }

  async #problem(response: IncomingMessage): Promise<ClientError> {
    const status = response.statusCode ?? 0
    const body = await beginningOf(response, MAX_WORDS_BYTES, this.#parts.stallMs)
    if (status === 404 || status === 410)
      return new ClientError('not-there', { subject: this.shownAs, status })
    const header = (name: string) => {
      const value = response.headers[name]
      return typeof value === 'string' ? value : undefined
    }
    return problemOf(asReply(status, header, body))
  }

  #translate(error: unknown, signal: AbortSignal): unknown {
    if (signal.aborted) return signal.reason
    if (error instanceof Replaced) return error
    return asLineError(error, this.#parts.url.hostname, this.#isKnown)
  }
}

function targetOf(response: IncomingMessage, base: URL): URL | undefined {
  const { location } = response.headers
  if (!location || !URL.canParse(location, base.href)) return undefined
  const target = new URL(location, base)
  return /^https?:$/.test(target.protocol) ? target : undefined
}

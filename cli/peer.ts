import http from 'node:http'
import https from 'node:https'
import { TUS_MISMATCH } from '../src/contract.js'
import { ClientError, systemCodeOf } from './errors.js'
import { nameOf } from './net/proxy.js'
import type { Way } from './net/way.js'
import { type Reply, problemOf } from './reply.js'
import { request, send, type Sending } from './request.js'
import { webAddress } from './wire.js'

/** Who answers at an address: a ferry server, as far as we know, or a proxy, or somebody else. What goes wrong is told apart by that. */
export class Peer {
  /** Once it has answered as a ferry server, whatever else we hear is the line's or a proxy's, and will pass. */
  isKnown = false
  readonly #base: string
  readonly #signal: AbortSignal
  readonly #way: Way | undefined
  #tripMs = Infinity

  constructor(base: string, signal: AbortSignal, way: Way | undefined) {
    this.#base = base
    this.#signal = signal
    this.#way = way
  }

  /** The shortest time that a request and its answer have taken, in milliseconds. */
  get tripMs(): number {
    return this.#tripMs
  }

  /**
   * A request with a small body or none, and its answer, whatever that is. Throws ClientErrors (`line-down`, `host-unknown`,
   * `untrusted`, `not-ferry`), or the signal's reason.
   */
  async request(
    method: string,
    url: string,
    headers: Record<string, string>,
    withinMs: number,
    body?: Uint8Array,
  ): Promise<Reply> {
    const timeout = AbortSignal.timeout(withinMs)
    const signal = AbortSignal.any([this.#signal, timeout])
    const agent = this.#way?.agentFor(url)
    const begun = performance.now()
    try {
      const reply = await request(method, url, this.#dressed(url, headers), signal, { body, agent })
      this.#tripMs = Math.min(this.#tripMs, performance.now() - begun)
      return reply
    } catch (error) {
      if (this.#signal.aborted) throw this.#signal.reason
      throw this.#unreachable((timeout.aborted ? 'ETIMEDOUT' : systemCodeOf(error)) ?? String(error), error)
    }
  }

  /** A POST with a body that is sent as it comes, and its answer. Throws as `request`, or the sending's signal's reason. */
  async send(url: string, headers: Record<string, string>, sending: Sending): Promise<Reply> {
    try {
      return await send(url, this.#dressed(url, headers), sending, this.#way?.agentFor(url))
    } catch (error) {
      if (sending.signal.aborted) throw sending.signal.reason
      if (error instanceof ClientError) throw error
      throw this.#unreachable(systemCodeOf(error) ?? String(error), error)
    }
  }

  /** A request that goes out even when the run has been interrupted. Throws the system's errors, or a TimeoutError. */
  async farewell(
    method: string,
    url: string,
    headers: Record<string, string>,
    withinMs: number,
  ): Promise<void> {
    const agent = this.#way?.agentFor(url)
    await request(method, url, this.#dressed(url, headers), AbortSignal.timeout(withinMs), { agent })
  }

  /** Closes the connections that nothing goes over just now. */
  closeIdle(): void {
    const { globalAgent } = this.#base.startsWith('https:') ? https : http
    const agent = this.#way?.agentFor(this.#base) ?? globalAgent
    for (const socket of Object.values(agent.freeSockets).flat()) socket?.destroy()
  }

  /** An answer that is no success, told apart by who may have said it. */
  problem(reply: Reply): ClientError {
    const { status, json, isTus } = reply
    const atTheDoor = this.#turnedAway(status)
    if (atTheDoor) return atTheDoor
    const isPassing = status >= 500 || status === 408 || status === 429
    const isSaidByFerry = isTus || json?.['status'] === 'error' || status === TUS_MISMATCH
    const isOurs = this.isKnown || isSaidByFerry || status === 413
    if (status >= 400 && (isPassing || isOurs)) return problemOf(reply)
    return this.#redirected(reply) ?? this.notFerry(`HTTP ${status}`)
  }

  /** What we hear is not what a ferry server says; of one that is known it is the line that says it. */
  notFerry(reason: string): ClientError {
    return this.isKnown
      ? new ClientError('line-down', { reason })
      : new ClientError('not-ferry', { subject: this.#base, reason })
  }

  #unreachable(reason: string, cause: unknown): ClientError {
    if (reason === 'ENOTFOUND' && !this.isKnown)
      return new ClientError('host-unknown', { subject: new URL(this.#base).hostname }, { cause })
    // It answers, but in another language than HTTP, or as somebody else than its certificate says.
    if (this.#way && /^CERT_|SELF_SIGNED|UNABLE_TO|ALTNAME/.test(reason))
      return new ClientError('untrusted', { subject: this.#base, reason }, { cause })
    if (/^HPE_|SSL|TLS|CERT|UNABLE_TO/.test(reason)) return this.notFerry(reason)
    return new ClientError('line-down', { reason }, { cause })
  }

  #dressed(url: string, headers: Record<string, string>): Record<string, string> {
    return { ...headers, ...this.#way?.headersFor(url) }
  }

  /** Who asks for a secret that we do not have, or have wrong: the server, or the proxy on the way. */
  #turnedAway(status: number): ClientError | undefined {
    const proxy = this.#way?.proxyFor(this.#base)
    if (proxy && status === 407) return new ClientError('proxy-refuses', { subject: nameOf(proxy), status })
    const isAsked = this.#way && (status === 401 || status === 403)
    return isAsked ? new ClientError('not-allowed', { subject: this.#base, status }) : undefined
  }

  #redirected({ status, location }: Reply): ClientError | undefined {
    if (this.isKnown || status < 300 || status >= 400 || !location) return undefined
    const target = webAddress(location, this.#base)
    if (!target) return undefined
    return new ClientError('redirected', { subject: target.href.replace(/\/(check|tus)\/?(\?.*)?$/, '') })
  }
}

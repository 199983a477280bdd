import http from 'node:http'
import https from 'node:https'
import type { SecureContext } from 'node:tls'
import { HttpProxyAgent } from 'http-proxy-agent'
import { HttpsProxyAgent } from 'https-proxy-agent'
import { SocksProxyAgent } from 'socks-proxy-agent'
import { proxyFor } from './proxy.js'
import { trustWith } from './trust.js'

type Environment = Readonly<Record<string, string | undefined>>

export interface WayOptions {
  /** The server's base URL: its origin alone gets the token. */
  server: string
  /** Where the proxies stand. */
  env: Environment
  /** A PEM file with authorities to trust beside the usual ones. */
  ca?: string | undefined
  token?: string | undefined
}

/** How requests get out: through which proxy, trusting whom, with which secret. Connections are kept and used again. */
export class Way {
  readonly #origin: string
  readonly #env: Environment
  readonly #trust: SecureContext | undefined
  readonly #token: string | undefined
  readonly #agents = new Map<string, http.Agent>()

  /** Throws `bad-proxy`, `bad-ca`, `file-missing` or `file-unreadable`: what can't be used is said before the first request. */
  constructor({ server, env, ca, token }: WayOptions) {
    this.#origin = new URL(server).origin
    this.#env = env
    this.#trust = ca === undefined ? undefined : trustWith(ca, env['NODE_EXTRA_CA_CERTS'])
    this.#token = token
    this.proxyFor(server)
  }

  /** The agent for a request to `url`; give it to `http.request`, `https.request` or tus-js-client's `DefaultHttpStack`. */
  agentFor(url: string): http.Agent {
    const proxy = this.proxyFor(url)
    const isSecure = new URL(url).protocol === 'https:'
    const key = `${isSecure} ${proxy?.href ?? ''}`
    const agent = this.#agents.get(key) ?? this.#newAgent(isSecure, proxy)
    this.#agents.set(key, agent)
    return agent
  }

  /** Headers that a request to `url` needs: the token, for the server's own origin and for nobody else. */
  headersFor(url: string): Record<string, string> {
    const isOurs = this.#token !== undefined && new URL(url).origin === this.#origin
    return isOurs ? { authorization: `Bearer ${this.#token}` } : {}
  }

  /** The proxy on the way to `url`, or undefined. */
  proxyFor(url: string): URL | undefined {
    return proxyFor(new URL(url), this.#env)
  }

  get hasToken(): boolean {
    return this.#token !== undefined
  }

  /** Closes the connections that are kept. */
  close(): void {
    for (const agent of this.#agents.values()) agent.destroy()
    this.#agents.clear()
  }

  #newAgent(isSecure: boolean, proxy: URL | undefined): http.Agent {
    const options = { keepAlive: true, ...(this.#trust && { secureContext: this.#trust }) }
    if (!proxy) return isSecure ? new https.Agent(options) : new http.Agent(options)
    if (proxy.protocol.startsWith('socks')) return new SocksProxyAgent(proxy, options)
    if (!isSecure) return new HttpProxyAgent(proxy, options)
    // What it is given counts for the proxy; for the server at the tunnel's other end it has to be said once more.
    const agent = new HttpsProxyAgent(proxy, options)
    return Object.assign(agent, { options: { ...agent.options, ...options } })
  }
}

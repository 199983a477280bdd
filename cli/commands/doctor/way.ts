import { lookup } from 'node:dns/promises'
import { isIP } from 'node:net'
import { systemCodeOf } from '../../errors.js'
import { nameOf } from '../../net/proxy.js'
import type { Case, Finding } from './finding.js'

/** Whom our own machine connects to: the server, or the proxy before it. */
export interface Hop {
  host: string
  port: number
  isProxy: boolean
}

/** The first hop of the way to the server. */
export function firstHop({ server, way }: Case): Hop {
  const proxy = way.proxyFor(server)
  const url = proxy ?? new URL(server)
  const standard = url.protocol === 'https:' ? 443 : url.protocol.startsWith('socks') ? 1080 : 80
  return {
    host: url.hostname.replace(/^\[|\]$/g, ''),
    port: url.port ? Number(url.port) : standard,
    isProxy: proxy !== undefined,
  }
}

/** Which proxy is in use, if any, and what the first hop's name means. */
export async function* lookAtName(at: Case): AsyncIterable<Finding> {
  const { texts, way, server } = at
  const proxy = way.proxyFor(server)
  if (proxy) {
    const shown = nameOf(proxy)
    yield { step: 'proxy', level: 'ok', text: texts.proxy(shown), facts: { proxy: shown } }
  }
  const { host } = firstHop(at)
  if (isIP(host)) return
  const begun = performance.now()
  try {
    const addresses = (await lookup(host, { all: true })).map(({ address }) => address)
    const ms = Math.round(performance.now() - begun)
    const level = ms > 1000 ? 'warning' : 'ok'
    yield {
      step: 'name',
      level,
      text: texts.name(host, addresses.join(', '), ms),
      facts: { host, addresses, ms },
    }
  } catch (error) {
    const reason = systemCodeOf(error) ?? String(error)
    yield { step: 'name', level: 'problem', text: texts.nameless(host, reason), facts: { host, reason } }
  }
}

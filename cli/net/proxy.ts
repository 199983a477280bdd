import { BlockList, isIP } from 'node:net'
import { ClientError } from '../errors.js'

type Environment = Readonly<Record<string, string | undefined>>

const PROTOCOLS = /^(https?|socks(4a?|5h?)?):$/

/**
 * The proxy that the environment wants for requests to `url`, or undefined: `http_proxy` or `https_proxy` by the URL's
 * scheme, else `all_proxy`, each in lower or upper case; `no_proxy` names the exceptions, as curl reads it.
 * Throws `bad-proxy`, which does not repeat the value: it may hold a password.
 */
export function proxyFor(url: URL, env: Environment): URL | undefined {
  if (isException(url, valueOf('no_proxy', env)?.text ?? '')) return undefined
  const found = valueOf(url.protocol.replace(':', '_proxy'), env) ?? valueOf('all_proxy', env)
  return found && parseProxy(found.name, found.text)
}

/** A proxy as it may be shown: without its password. */
export function nameOf(proxy: URL): string {
  return `${proxy.protocol}//${proxy.host}`
}

function valueOf(name: string, env: Environment): { name: string; text: string } | undefined {
  for (const spelling of [name, name.toUpperCase()]) {
    const text = env[spelling]?.trim()
    if (text) return { name: spelling, text }
  }
  return undefined
}

function parseProxy(name: string, text: string): URL {
  const url = text.includes('://') ? text : `http://${text}`
  const proxy = URL.canParse(url) ? new URL(url) : undefined
  if (!proxy?.hostname || !PROTOCOLS.test(proxy.protocol))
    throw new ClientError('bad-proxy', { subject: name })
  return proxy
}

/** `*`, or a list of `host`, `.domain`, `host:port`, addresses and `address/bits`. A name covers its subdomains. */
function isException(url: URL, list: string): boolean {
  const host = bare(url.hostname)
  const port = url.port || (url.protocol === 'https:' ? '443' : '80')
  return list
    .toLowerCase()
    .split(/[\s,]+/)
    .filter(Boolean)
    .some((entry) => {
      if (entry === '*') return true
      if (entry.includes('/')) return isWithin(host, entry)
      const [, name = entry, only] = /^(\[[^\]]*\]|[^:]*):(\d+)$/.exec(entry) ?? []
      return (only === undefined || only === port) && isSameOrBelow(host, bare(name))
    })
}

function bare(host: string): string {
  return host.replace(/^\[|\]$/g, '')
}

function isSameOrBelow(host: string, entry: string): boolean {
  const name = entry.replace(/^\*?\./, '')
  return name !== '' && (host === name || (!isIP(host) && host.endsWith(`.${name}`)))
}

function isWithin(host: string, network: string): boolean {
  const [address = '', bits = ''] = network.split('/')
  const family = (ip: string) => (isIP(ip) === 6 ? 'ipv6' : 'ipv4')
  const isNetwork =
    isIP(address) > 0 && /^\d+$/.test(bits) && Number(bits) <= (isIP(address) === 6 ? 128 : 32)
  if (!isNetwork || !isIP(host)) return false
  const addresses = new BlockList()
  addresses.addSubnet(address, Number(bits), family(address))
  return addresses.check(host, family(host))
}

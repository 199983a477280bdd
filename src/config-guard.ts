import { isIP } from 'node:net'

/**
 * The parsers of the settings that say who may come, and from where. '' is a setting that is not set; undefined means
 * that the value can't be used.
 */

/** Tokens with commas between, of visible ASCII: they travel in a header (RFC 6750 2.1). */
export function parseTokens(text: string): string[] | undefined {
  return listOf(text, (token) => (/^[\u0021-\u007e]+$/.test(token) ? token : undefined))
}

/** Host names or addresses without ports, or `*`; as `bareHost` writes them. */
export function parseHosts(text: string): string[] | undefined {
  return listOf(text, (entry) => {
    if (entry === '*') return entry
    const host = bareHost(entry)
    const isName = /^[a-z0-9]([a-z0-9._-]*[a-z0-9])?$/.test(host)
    return host === entry.toLowerCase().replace(/^\[|\]$|\.$/g, '') && (isName || isIP(host))
      ? host
      : undefined
  })
}

/** Web origins (RFC 6454 6.2) as browsers write them, or `*`. */
export function parseOrigins(text: string): string[] | undefined {
  return listOf(text, (entry) => (entry === '*' ? entry : parseOrigin(entry)))
}

/** One origin, `http(s)://host[:port]`, as browsers write it; '' for none. */
export function parseFilesOrigin(text: string): string | undefined {
  return text === '' ? '' : parseOrigin(text)
}

/** How many proxies stand before us, or their addresses and subnets (and `loopback` and its like); false for none. */
export function parseProxies(text: string): number | string[] | false | undefined {
  if (text === '' || text === '0') return false
  if (/^\d+$/.test(text)) return Number(text) <= 32 ? Number(text) : undefined
  return listOf(text, (entry) => (isNetwork(entry) ? entry : undefined))
}

/** The host of a `Host` header or an authority: lower case, without port, brackets and a last dot. */
export function bareHost(authority: string): string {
  const host = isIP(authority) === 6 ? authority : authority.replace(/:\d*$/, '')
  return host
    .toLowerCase()
    .replace(/^\[(.*)\]$/, '$1')
    .replace(/\.$/, '')
}

function parseOrigin(text: string): string | undefined {
  if (!/^https?:\/\/[^/?#@]+\/?$/i.test(text) || !URL.canParse(text)) return undefined
  return new URL(text).origin
}

function isNetwork(entry: string): boolean {
  if (['loopback', 'linklocal', 'uniquelocal'].includes(entry)) return true
  const [, address = '', bits] = /^([^/]+)(?:\/(\d{1,3}))?$/.exec(entry) ?? []
  const most = { 0: -1, 4: 32, 6: 128 }[isIP(address)]!
  return most > 0 && (bits === undefined || Number(bits) <= most)
}

/** What stands between commas, each as `parse` reads it. Commas alone are a mistake, and not nothing. */
function listOf(text: string, parse: (entry: string) => string | undefined): string[] | undefined {
  if (text === '') return []
  const entries = text.split(',').map((entry) => entry.trim())
  const parsed = entries.filter(Boolean).map(parse)
  return parsed.length > 0 && parsed.every((entry) => entry !== undefined) ? parsed : undefined
}

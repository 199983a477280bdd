import { parse } from 'dotenv'
import { readFileSync } from 'node:fs'
import { isIPv6 } from 'node:net'
import { resolve } from 'node:path'
import { parseFilesOrigin, parseHosts, parseOrigins, parseProxies, parseTokens } from './config-guard.js'
import { isErrno } from './errors.js'

/** What the operator has decided. Sizes in bytes, folders absolute. */
export interface Config {
  readonly host: string
  readonly port: number
  readonly bind: string
  readonly filesDir: string
  readonly tmpDir: string
  /** What every URL handed out begins with, without a slash at its end. */
  readonly publicUrl: string
  /** True where PUBLIC_URL says so, because a proxy stands before us. */
  readonly behindProxy: boolean
  /** 0: as much as the disk holds. */
  readonly maxSize: number
  readonly ttlHours: number
  readonly leaseSeconds: number
  readonly logFormat: 'text' | 'json'
  /** Bytes that stay free on the disk. */
  readonly minFree: number
  /** The whole shelf is read again within so many days; 0: never. */
  readonly scrubDays: number
  /** Who has none of them may not upload; none: everybody may. */
  readonly uploadTokens: readonly string[]
  /** The same for reading files. */
  readonly downloadTokens: readonly string[]
  /** Hosts by which we may be called, or `*`; none: those that stand in our links, localhost and any address. */
  readonly allowedHosts: readonly string[]
  /** Origins of other people's pages that may use us, or `*`. */
  readonly allowedOrigins: readonly string[]
  /** Whose `X-Forwarded-For` counts: the last so many proxies, those at these addresses, or nobody's. */
  readonly trustProxy: number | readonly string[] | false
  /** The origin that files are served from, where it is not the page's; else ''. */
  readonly filesOrigin: string
  /** Bytes per second, averaged over a lease, below which an upload does not count as live; 0: any byte will do. */
  readonly minRate: number
  /** The most of each at a time, or in a minute; 0: any number. */
  readonly maxOpenUploads: number
  readonly maxOpenUploadsPerAddress: number
  readonly maxCreationsPerMinute: number
  readonly maxConnections: number
  readonly maxConnectionsPerAddress: number
}

/** A value that can't be used; `message` says what to write instead. */
export interface BadValue {
  key: string
  value: string
  expected: string
}

const DEFAULTS = {
  HOST: '127.0.0.1',
  HTTP_PORT: '80',
  BIND: '0.0.0.0',
  FILES_DIR: 'files',
  TMP_DIR: 'tmp',
  PUBLIC_URL: '',
  MAX_SIZE: '0',
  TMP_TTL_HOURS: '24',
  LEASE_SECONDS: '60',
  LOG_FORMAT: 'text',
  MIN_FREE: '1GiB',
  SCRUB_DAYS: '30',
  UPLOAD_TOKEN: '',
  DOWNLOAD_TOKEN: '',
  ALLOWED_HOSTS: '',
  ALLOWED_ORIGINS: '',
  TRUST_PROXY: '',
  FILES_ORIGIN: '',
  MIN_RATE: '1KiB',
  MAX_OPEN_UPLOADS: '10000',
  MAX_OPEN_UPLOADS_PER_ADDRESS: '1000',
  MAX_CREATIONS_PER_MINUTE: '60000',
  MAX_CONNECTIONS: '20000',
  MAX_CONNECTIONS_PER_ADDRESS: '2000',
}

type Key = keyof typeof DEFAULTS

/** What nobody may read in a log. */
const SECRET: ReadonlySet<Key> = new Set<Key>(['UPLOAD_TOKEN', 'DOWNLOAD_TOKEN'])
const TOKENS = 'tokens of visible ASCII, with commas between'

/** The settings of a `.env` file, without a file none. Rejects nothing but a file that is there and can't be read. */
export function readDotenv(file: string): Record<string, string> {
  try {
    return parse(readFileSync(file))
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return {}
    throw error
  }
}

/** The frozen configuration, or every bad value at once. The environment wins over the file; empty counts as unset. */
export function parseConfig(
  file: Record<string, string>,
  environment: Record<string, string | undefined>,
  folder: string,
): { config: Config } | { bad: BadValue[] } {
  const bad: BadValue[] = []
  const text = (key: Key): string => environment[key]?.trim() || file[key]?.trim() || DEFAULTS[key]
  const read = <T>(key: Key, parser: (value: string) => T | undefined, expected: string): T => {
    const value = text(key)
    const parsed = parser(value)
    if (parsed === undefined) bad.push({ key, value: SECRET.has(key) ? '…' : value, expected })
    return parsed as T
  }
  const host = read('HOST', parseHost, 'a host name or an IP address, without http:// and without a port')
  const port = read('HTTP_PORT', wholeNumber(1, 65_535), 'a port from 1 to 65535')
  const limit = [wholeNumber(0, 1_000_000_000), 'a whole number, or 0 for no limit'] as const
  const publicUrl = read('PUBLIC_URL', parsePublicUrl, 'http(s)://… without query, or nothing')
  const config: Config = {
    host,
    port,
    bind: read('BIND', parseHost, 'an address of this machine, for example 0.0.0.0 or 127.0.0.1'),
    filesDir: resolve(folder, text('FILES_DIR')),
    tmpDir: resolve(folder, text('TMP_DIR')),
    publicUrl: publicUrl || `http://${inUrl(host)}:${port}`,
    behindProxy: publicUrl !== '',
    maxSize: read('MAX_SIZE', parseSize, '0 or a size such as 500MB, 10GB, 2GiB'),
    ttlHours: read('TMP_TTL_HOURS', number(0.001, 87_600), 'hours, more than 0'),
    leaseSeconds: read('LEASE_SECONDS', number(1, 86_400), 'seconds, from 1 to 86400'),
    logFormat: read('LOG_FORMAT', oneOf(['text', 'json']), 'text or json'),
    minFree: read('MIN_FREE', parseSize, '0 or a size such as 500MB, 10GB, 2GiB'),
    scrubDays: read('SCRUB_DAYS', parseDays, 'days (0.0001 or more), or 0 for never'),
    uploadTokens: read('UPLOAD_TOKEN', parseTokens, TOKENS),
    downloadTokens: read('DOWNLOAD_TOKEN', parseTokens, TOKENS),
    allowedHosts: read('ALLOWED_HOSTS', parseHosts, 'host names without ports, with commas between, or *'),
    allowedOrigins: read('ALLOWED_ORIGINS', parseOrigins, 'origins such as https://a.example, or *'),
    trustProxy: read(
      'TRUST_PROXY',
      parseProxies,
      'how many proxies there are, or their addresses or subnets',
    ),
    filesOrigin: read(
      'FILES_ORIGIN',
      anotherHost(publicUrl || `http://${inUrl(host)}`),
      'http(s)://host[:port] with another host than the other links have, or nothing',
    ),
    minRate: read('MIN_RATE', parseSize, '0 or bytes in a second, such as 512, 1KiB'),
    maxOpenUploads: read('MAX_OPEN_UPLOADS', ...limit),
    maxOpenUploadsPerAddress: read('MAX_OPEN_UPLOADS_PER_ADDRESS', ...limit),
    maxCreationsPerMinute: read('MAX_CREATIONS_PER_MINUTE', ...limit),
    maxConnections: read('MAX_CONNECTIONS', ...limit),
    maxConnectionsPerAddress: read('MAX_CONNECTIONS_PER_ADDRESS', ...limit),
  }
  return bad.length > 0 ? { bad } : { config: Object.freeze(config) }
}

/** On one host the browser would take files and page for neighbours, and a proxy may not tell us the port. */
function anotherHost(publicUrl: string) {
  return (value: string): string | undefined => {
    const origin = parseFilesOrigin(value)
    const isOurs =
      origin && URL.canParse(publicUrl) && new URL(publicUrl).hostname === new URL(origin).hostname
    return isOurs ? undefined : origin
  }
}

/** A host as it stands in a URL: IPv6 addresses in brackets. */
function inUrl(host: string | undefined): string {
  return host !== undefined && isIPv6(host) ? `[${host}]` : String(host)
}

function parseHost(value: string): string | undefined {
  const bare = value.replace(/^\[(.*)\]$/, '$1')
  if (isIPv6(bare)) return bare
  // What ends in a number is an address, and may be none: 1.2.3 is read as 1.2.0.3, 1.2.3.999 not at all.
  const isHost = /^[a-z0-9]([a-z0-9._-]*[a-z0-9])?$/i.test(value) && URL.canParse(`http://${value}`)
  return isHost ? value : undefined
}

function parsePublicUrl(value: string): string | undefined {
  if (value === '') return ''
  if (!URL.canParse(value)) return undefined
  const url = new URL(value)
  // An empty query or fragment leaves its mark, and what is put behind it would be part of it.
  const extras = url.search || url.hash || url.username || url.password || /[?#]$/.test(url.href)
  if (!['http:', 'https:'].includes(url.protocol) || extras) return undefined
  return url.href.replace(/(?<!\/)\/+$/, '')
}

const UNITS: Record<string, number> = { '': 1, K: 1024, M: 1024 ** 2, G: 1024 ** 3, T: 1024 ** 4 }

/** @public Bytes from `10GB`, `500 MiB`, `2g`: units are powers of 1024, whatever their spelling. */
export function parseSize(value: string): number | undefined {
  const match = /^(\d+(?:\.\d+)?)\s*([KMGT]?)(?:i?B)?$/i.exec(value)
  if (!match) return undefined
  const bytes = Math.floor(Number(match[1]) * UNITS[match[2]!.toUpperCase()]!)
  return Number.isSafeInteger(bytes) ? bytes : undefined
}

function number(least: number, most: number) {
  return (value: string): number | undefined => {
    const parsed = /^\d+(\.\d+)?$/.test(value) ? Number(value) : NaN
    return parsed >= least && parsed <= most ? parsed : undefined
  }
}

/** So few that a round takes no time at all would be a round without end. */
function parseDays(value: string): number | undefined {
  const days = number(0, 3650)(value)
  return days === 0 || (days !== undefined && days >= 0.0001) ? days : undefined
}

function wholeNumber(least: number, most: number) {
  return (value: string): number | undefined => {
    const parsed = number(least, most)(value)
    return Number.isInteger(parsed) ? parsed : undefined
  }
}

function oneOf<T extends string>(values: T[]) {
  return (value: string): T | undefined => values.find((candidate) => candidate === value)
}

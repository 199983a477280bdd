import { type Md5, PATHS, parseMd5 } from '../../src/contract.js'
import { ClientError } from '../errors.js'

/** What to get: where it is, and the MD5 that it must have. */
export interface Source {
  url: URL
  md5: Md5
  /** The URL's last segment: the file's name where nobody knows a better one. */
  lastSegment: string
}

const AT_THE_END = new RegExp(`${PATHS.files}/(([0-9a-f]{32})(?:\\.[a-z0-9]{1,10})?)$`, 'i')

/**
 * A URL with `/files/<md5>[.ext]` in it, or a bare MD5, which `server` (its base URL, without a trailing slash) has.
 * Throws `bad-source`.
 */
export function parseSource(text: string, server: string): Source {
  const md5 = parseMd5(text)
  const address = md5 ? `${server}${PATHS.files}/${md5}` : text
  const url = URL.canParse(address) ? new URL(address) : undefined
  const [, lastSegment, named] = AT_THE_END.exec(url?.pathname ?? '') ?? []
  const promised = parseMd5(named)
  if (!url || !/^https?:$/.test(url.protocol) || !lastSegment || !promised)
    throw new ClientError('bad-source', { subject: text })
  url.hash = ''
  return { url, md5: promised, lastSegment }
}

/** The URL without what a user keeps to themselves: name and password. */
export function shownUrl(url: URL): string {
  const shown = new URL(url)
  shown.username = ''
  shown.password = ''
  return shown.href
}

import type { Random } from '../faults/random.js'
import { bytesOf, CORPUS, type Request } from './request.js'

/** What is sent on one connection: the requests as bytes, and how they are sent. */
export interface Case {
  /** Gives the same case again. */
  seed: number
  door: string
  /** `{ID}` in them is replaced when they are sent. */
  requests: Buffer[]
  /** What was done to them, in words. */
  done: string[]
  /** All at once, without waiting for answers. */
  pipelined: boolean
  /** In pieces of so many bytes at most, with pauses; 0: each request in one piece. */
  pieces: number
  /** Hangs up in the middle, after so many bytes of all. */
  cut: number | undefined
}

const EDGES = [
  '',
  '0',
  '-0',
  '-1',
  '1',
  '00',
  '1.5',
  '1e3',
  '0x10',
  '+1',
  ' 1',
  '2147483648',
  '4294967296',
  '9007199254740991',
  '9007199254740992',
  '18446744073709551616',
  '9'.repeat(40),
  'NaN',
  'Infinity',
  '1,1',
  '1, 2',
  '1;1',
  'null',
  '٣',
]
const SPITE = [
  '\0',
  '\r',
  '\n',
  '\r\n',
  '\r\n\r\n',
  ' ',
  '\t',
  ':',
  ';',
  ',',
  '=',
  '"',
  "'",
  '\\',
  '/',
  '//',
  '../',
  '..%2f',
  '%00',
  '%2e%2e%2f',
  '%252e%252e%252f',
  '%',
  '%zz',
  '%ff',
  '%c0%af',
  '?',
  '#',
  '[]',
  '[__proto__]=1',
  '&',
  '\u00FF\u00FE',
  '\u001B[2J',
  '\u009B',
  '\u202E',
  '\uD83D\uDE00',
  '<script>',
  '{{7*7}}',
  '$(id)',
  "' OR 1=1--",
  'A'.repeat(5000),
  'A'.repeat(20_000),
  '{ID}',
  '0\r\n\r\n',
  '--ferry-test-boundary--',
  '\r\n--ferry-test-boundary\r\n',
]
const HEADERS: Request['headers'] = [
  ['Content-Length', '5'],
  ['Content-Length', '-1'],
  ['Transfer-Encoding', 'chunked'],
  ['Transfer-Encoding', 'gzip, chunked'],
  ['Transfer-Encoding', 'identity'],
  ['Connection', 'close'],
  ['Connection', 'upgrade'],
  ['Upgrade', 'h2c'],
  ['Expect', '100-continue'],
  ['Expect', 'miracles'],
  ['Host', 'evil.example'],
  ['Host', ''],
  ['Host', 'a b'],
  ['X-HTTP-Method-Override', 'DELETE'],
  ['X-HTTP-Method-Override', 'TRACE'],
  ['Tus-Resumable', '0.2.0'],
  ['Upload-Offset', '0'],
  ['Upload-Length', '0'],
  ['Upload-Defer-Length', '1'],
  ['Upload-Concat', 'partial'],
  ['Upload-Concat', 'final;/tus/{ID} /tus/{ID}'],
  ['Upload-Checksum', 'sha1 AAAA'],
  ['Upload-Metadata', '__proto__ AAAA,constructor AAAA'],
  ['Upload-Metadata', 'md5 ZZZZ'],
  ['Content-Encoding', 'gzip'],
  ['Range', 'bytes=0-0,2-3,5-,-1'],
  ['Accept', 'text/html'],
  ['Accept-Language', 'zh'],
  ['Accept-Encoding', 'br;q=0, *'],
  ['Forwarded', 'for=unknown;host=evil.example'],
  ['X-Forwarded-Host', 'evil.example'],
  ['X-Forwarded-For', '::1'],
  ['Origin', 'http://evil.example'],
  ['Origin', 'null'],
  ['Cookie', 'a=b; c'],
  ['Ferry-Client', '\u00FF'],
]
const METHODS = [
  'GET',
  'HEAD',
  'POST',
  'PATCH',
  'DELETE',
  'OPTIONS',
  'PUT',
  'TRACE',
  'CONNECT',
  'PROPFIND',
  'get',
  'G\0T',
  '',
]
const VERSIONS = ['HTTP/1.0', 'HTTP/0.9', 'HTTP/2.0', 'HTTP/1.1 ', 'HTTP/9.9', '', 'ICY/1.0']

type Change = (requests: Request[], random: Random) => string | undefined

/** What is done to requests that are still in their parts. */
const CHANGES: Change[] = [
  (requests, random) => {
    const request = random.pick(requests)
    request.headers.push(random.pick(request.headers))
    return 'a header twice'
  },
  (requests, random) => {
    const { headers } = random.pick(requests)
    if (headers.length === 1) return undefined
    headers.splice(random.between(0, headers.length - 1), 1)
    return 'a header less'
  },
  (requests, random) => {
    const { headers } = random.pick(requests)
    headers.splice(random.between(0, headers.length), 0, [...random.pick(HEADERS)])
    return 'a header more'
  },
  (requests, random) => {
    random.pick(requests).headers.reverse()
    return 'headers in reverse'
  },
  (requests, random) => {
    const header = random.pick(random.pick(requests).headers)
    header[1] = random.pick([...EDGES, ...SPITE])
    return `another value of ${header[0]}`
  },
  (requests, random) => {
    const header = random.pick(random.pick(requests).headers)
    header[1] = spoiled(header[1], random)
    return `spite in ${header[0]}`
  },
  (requests, random) => {
    const header = random.pick(random.pick(requests).headers)
    header[0] = random.pick([
      header[0].toUpperCase(),
      `${header[0]} `,
      ` ${header[0]}`,
      `${header[0]}\0`,
      '',
      'X\u00FF',
    ])
    return `another name for ${header[0].trim()}`
  },
  (requests, random) => {
    const request = random.pick(requests)
    for (let number = random.pick([10, 100, 2100]); number > 0; number--)
      request.headers.push([`X-${number}`, 'x'])
    return 'very many headers'
  },
  (requests, random) => {
    const request = random.pick(requests)
    request.target = spoiled(request.target, random)
    return 'spite in the target'
  },
  (requests, random) => {
    const request = random.pick(requests)
    request.target = encoded(request.target, random)
    return 'the target encoded'
  },
  (requests, random) => {
    const request = random.pick(requests)
    request.target = random.pick([
      '*',
      '',
      'http://evil.example/tus',
      '//evil.example/files',
      'ferry.test:80',
      '/%',
      `/files/${'%2e'.repeat(9)}`,
      '/files/..%2f..%2f.env',
      '/tus/../files/.ledger/ledger.db',
      '/page/..%5c..%5cpackage.json',
      '/tus/{ID}/',
      '/tus/{ID}?{ID}',
      '/tus/tus/{ID}',
    ])
    return 'another target'
  },
  (requests, random) => {
    random.pick(requests).method = random.pick(METHODS)
    return 'another method'
  },
  (requests, random) => {
    random.pick(requests).version = random.pick(VERSIONS)
    return 'another version'
  },
  (requests, random) => {
    requests.splice(random.between(0, requests.length), 0, structuredCloneOf(random.pick(requests)))
    return 'a request twice'
  },
  (requests, random) => {
    if (requests.length < 2) return undefined
    requests.splice(random.between(0, requests.length - 1), 1)
    return 'a request less'
  },
  (requests, random) => {
    const other = random.pick(Object.values(CORPUS))(random)
    requests.splice(random.between(0, requests.length), 0, random.pick(other))
    return 'a request of another door between'
  },
  (requests, random) => {
    const request = random.pick(requests)
    request.body = random.pick([
      Buffer.alloc(0),
      request.body.subarray(0, request.body.length / 2),
      Buffer.concat([request.body, request.body]),
    ])
    return 'a body of another length'
  },
]

type Damage = (bytes: Buffer, random: Random) => Buffer

/** What is done to a request's bytes; most of it near its beginning, where its head is. */
const DAMAGES: Record<string, Damage> = {
  'a byte changed': (bytes, random) => {
    const copy = Buffer.from(bytes)
    copy[placeIn(bytes, random)] = random.between(0, 255)
    return copy
  },
  'bytes dropped': (bytes, random) => {
    const at = placeIn(bytes, random)
    return Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + random.between(1, 20))])
  },
  'bytes doubled': (bytes, random) => {
    const at = placeIn(bytes, random)
    const to = at + random.between(1, 200)
    return Buffer.concat([bytes.subarray(0, to), bytes.subarray(at)])
  },
  'spite between': (bytes, random) => {
    const at = placeIn(bytes, random)
    return Buffer.concat([
      bytes.subarray(0, at),
      Buffer.from(random.pick(SPITE), random.pick(['utf8', 'latin1'])),
      bytes.subarray(at),
    ])
  },
  'a number replaced': (bytes, random) => {
    const text = bytes.toString('latin1')
    const numbers = [...text.slice(0, 4096).matchAll(/\d+/g)]
    const number = random.pick(numbers)
    if (!number) return bytes
    const end = number.index + number[0].length
    return Buffer.from(text.slice(0, number.index) + random.pick(EDGES) + text.slice(end), 'latin1')
  },
  'bare line feeds': (bytes) => Buffer.from(bytes.toString('latin1').replaceAll('\r\n', '\n'), 'latin1'),
  'a folded line': (bytes) => Buffer.from(bytes.toString('latin1').replace('\r\n', '\r\n '), 'latin1'),
}

function placeIn(bytes: Buffer, random: Random): number {
  return random.between(0, Math.max(0, Math.min(bytes.length - 1, random.percent(70) ? 600 : Infinity)))
}

function spoiled(text: string, random: Random): string {
  const at = random.between(0, text.length)
  return text.slice(0, at) + random.pick([...SPITE, ...EDGES]) + text.slice(at)
}

/** Some of its letters as %XX, and perhaps those once more. */
function encoded(text: string, random: Random): string {
  const once = text.replace(/[^/?{}]/g, (letter) =>
    random.percent(50) ? `%${letter.charCodeAt(0).toString(16).padStart(2, '0')}` : letter,
  )
  return random.percent(50) ? once.replaceAll('%', '%25') : once
}

function structuredCloneOf(request: Request): Request {
  return { ...request, headers: request.headers.map(([name, value]) => [name, value]) }
}

/** The case of this seed. `least`: only so many of its mutations, the first ones. */
export function caseOf(random: Random, most = Infinity): Case {
  const { seed } = random
  const door = random.pick(Object.keys(CORPUS))
  const parts = CORPUS[door]!(random).map(structuredCloneOf)
  const done: string[] = []
  const count = random.pick([0, 1, 1, 1, 2, 2, 3, 5])
  const later: [damage: string, seed: Random][] = []
  for (let number = 0; number < count; number++) {
    const own = random.fork()
    if (number >= most) continue
    if (own.percent(60)) {
      const change = own.pick(CHANGES)(parts, own)
      if (change) done.push(change)
    } else later.push([own.pick(Object.keys(DAMAGES)), own])
  }
  const requests = parts.map(bytesOf)
  for (const [damage, own] of later) {
    const index = own.between(0, requests.length - 1)
    requests[index] = DAMAGES[damage]!(requests[index]!, own)
    done.push(damage)
  }
  const size = requests.reduce((sum, { length }) => sum + length, 0)
  const pipelined = random.percent(20)
  const pieces = random.percent(15) ? random.between(1, 3000) : 0
  const cut = random.percent(15) ? random.between(0, size) : undefined
  return { seed, door, requests, done, pipelined, pieces, cut }
}

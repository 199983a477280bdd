import { createHash } from 'node:crypto'
import type { Random } from '../faults/random.js'
import { BOUNDARY, FORM_TYPE, filePart, formBytes, textPart } from '../support/form.js'
import { metadata } from '../support/tus.js'

/** One request, taken apart so that it can be spoiled. */
export interface Request {
  method: string
  /** May contain `{ID}`: the upload that an answer before has named. */
  target: string
  version: string
  headers: [name: string, value: string][]
  body: Buffer
}

/** The name by which the server is called. */
export const HOST = 'ferry.test'
/** Bytes of the largest body; most are far smaller. */
const MOST = 96 * 1024

/** A right sequence of requests for one door. */
type Sequence = (random: Random) => Request[]

/** All doors, each as its clients use it. */
export const CORPUS: Record<string, Sequence> = {
  check: (random) => [
    get(`/check?md5=${anyMd5(random)}`),
    get(`/check?md5s=${anyMd5(random)},${anyMd5(random)}`),
    get(`/check?size=${random.between(0, 100_000)}`),
    get(`/check?md5=${anyMd5(random)}&wait=0`, [['Ferry-Client', anyMd5(random)]]),
  ],
  tus: (random) => {
    const file = content(random)
    const half = Math.floor(file.bytes.length / 2)
    return [
      create(file, file.bytes.length),
      tus('HEAD'),
      patch(0, file.bytes.subarray(0, half)),
      patch(half, file.bytes.subarray(half)),
      tus('HEAD'),
      get(`/files/${file.md5}.bin`),
    ]
  },
  whole: (random) => {
    const file = content(random)
    return [create(file, file.bytes.length, file.bytes), tus('HEAD'), get(`/check?md5=${file.md5}`)]
  },
  endless: (random) => {
    const file = content(random)
    const { length } = file.bytes
    return [
      create({ ...file, md5: undefined }, undefined),
      patch(0, file.bytes, [['Upload-Length', String(length)]]),
      tus('HEAD'),
    ]
  },
  bind: (random) => {
    const file = content(random)
    return [
      create({ ...file, md5: undefined }, file.bytes.length),
      ask('POST', `/check?md5=${file.md5}&upload={ID}`),
      patch(0, file.bytes),
    ]
  },
  ended: (random) => {
    const file = content(random)
    return [create(file, file.bytes.length + 1), patch(0, file.bytes), tus('DELETE'), tus('HEAD')]
  },
  options: () => [ask('OPTIONS', '/tus'), get('/tus/{ID}'), ask('POST', '/tus/{ID}')],
  form: (random) => {
    const file = content(random)
    const body = formBytes(
      { head: textPart('note'), body: 'x' },
      { head: filePart('影片.mp4'), body: file.bytes },
    )
    const declared = random.percent(50) ? `?md5=${file.md5}&filename=a.mp4` : ''
    const accept = random.pick(['*/*', 'text/html,*/*;q=0.1'])
    const headers: Request['headers'] = [
      ['Content-Type', FORM_TYPE],
      ['Accept', accept],
    ]
    return [withBody(ask('POST', `/upload${declared}`, headers), body), get(`/files/${file.md5}`)]
  },
  chunked: (random) => {
    const body = formBytes({ body: content(random).bytes })
    const headers: Request['headers'] = [
      ['Content-Type', `multipart/form-data; boundary="${BOUNDARY}"`],
      ['Transfer-Encoding', 'chunked'],
    ]
    return [{ ...ask('POST', '/upload', headers), body: inChunks(body, random) }]
  },
  expecting: (random) => {
    const body = formBytes({ body: content(random).bytes })
    const headers: Request['headers'] = [
      ['Content-Type', FORM_TYPE],
      ['Expect', '100-continue'],
    ]
    return [withBody(ask('POST', '/upload', headers), body)]
  },
  files: () => [
    get(`/files/${KNOWN.md5}.bin`),
    get(`/files/${KNOWN.md5}.mp4`, [['Range', 'bytes=10-99']]),
    get(`/files/${KNOWN.md5}`, [['Range', 'bytes=-5']]),
    get(`/files/${KNOWN.md5}.html`, [['If-None-Match', `"${KNOWN.md5}"`]]),
    ask('HEAD', `/files/${KNOWN.md5}.txt`, [
      ['If-Range', `"${KNOWN.md5}"`],
      ['Range', 'bytes=0-'],
    ]),
  ],
  page: () => [
    get('/', [
      ['Accept-Encoding', 'br, gzip'],
      ['If-None-Match', 'W/"x"'],
    ]),
    get('/page/none.js'),
    ask('HEAD', '/'),
  ],
  health: () => [get('/healthz'), get('/readyz'), get('/metrics'), get('/nowhere')],
}

/** A file that is on the shelf before anything is sent. */
export const KNOWN = fileOf(Buffer.from('known '.repeat(500)))

interface File {
  bytes: Buffer
  md5: string | undefined
}

function fileOf(bytes: Buffer): { bytes: Buffer; md5: string } {
  return { bytes, md5: createHash('md5').update(bytes).digest('hex') }
}

/** One of a few contents, so that several senders have the same one, or a new one. */
function content(random: Random): { bytes: Buffer; md5: string } {
  const number = random.percent(50) ? random.between(1, 20) : random.between(1, 2 ** 31)
  const length = Math.floor(MOST ** random.next())
  return fileOf(Buffer.alloc(length, `content ${number} `))
}

function anyMd5(random: Random): string {
  return random.percent(30) ? KNOWN.md5 : content(random).md5
}

function ask(method: string, target: string, headers: Request['headers'] = []): Request {
  const all: Request['headers'] = [['Host', HOST], ...headers]
  return { method, target, version: 'HTTP/1.1', headers: all, body: Buffer.alloc(0) }
}

function get(target: string, headers: Request['headers'] = []): Request {
  return ask('GET', target, headers)
}

function withBody(request: Request, body: Buffer): Request {
  return { ...request, headers: [...request.headers, ['Content-Length', String(body.length)]], body }
}

function tus(method: string, headers: Request['headers'] = []): Request {
  return ask(method, '/tus/{ID}', [['Tus-Resumable', '1.0.0'], ...headers])
}

const BODY: Request['headers'] = [['Content-Type', 'application/offset+octet-stream']]

function create({ md5 }: File, size: number | undefined, bytes?: Buffer): Request {
  const claim = { ...(md5 && { md5 }), filename: '影片 a.mp4', client: 'somebody' }
  const length: Request['headers'] =
    size === undefined ? [['Upload-Defer-Length', '1']] : [['Upload-Length', String(size)]]
  const headers: Request['headers'] = [
    ['Tus-Resumable', '1.0.0'],
    ...length,
    ['Upload-Metadata', metadata(claim)],
    ...(bytes ? BODY : []),
  ]
  return withBody(ask('POST', '/tus', headers), bytes ?? Buffer.alloc(0))
}

function patch(offset: number, bytes: Buffer, headers: Request['headers'] = []): Request {
  return withBody(tus('PATCH', [['Upload-Offset', String(offset)], ...BODY, ...headers]), bytes)
}

function inChunks(body: Buffer, random: Random): Buffer {
  const parts: Buffer[] = []
  for (let at = 0; at < body.length;) {
    const piece = body.subarray(at, at + random.between(1, 4096))
    parts.push(Buffer.from(`${piece.length.toString(16)}\r\n`), piece, Buffer.from('\r\n'))
    at += piece.length
  }
  return Buffer.concat([...parts, Buffer.from('0\r\n\r\n')])
}

/** The request as it goes over the wire. */
export function bytesOf({ method, target, version, headers, body }: Request): Buffer {
  const lines = [`${method} ${target} ${version}`, ...headers.map(([name, value]) => `${name}: ${value}`)]
  return Buffer.concat([Buffer.from(`${lines.join('\r\n')}\r\n\r\n`), body])
}

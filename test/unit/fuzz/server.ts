import { create as contentDisposition } from 'content-disposition'
import express, { type Request } from 'express'
import * as fc from 'fast-check'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { Agent, type IncomingHttpHeaders, type IncomingMessage, request } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { Metadata, Upload as TusUpload } from '@tus/server'
import { proposedName } from '#cli/get/name.js'
import { encodeMetadata } from '#cli/wire.js'
import { type Config, parseConfig, parseSize, readDotenv } from '#src/config.js'
import { METADATA, extensionOf, parseMd5 } from '#src/contract.js'
import { FerryError } from '#src/errors.js'
import { checkDoor } from '#src/http/check.js'
import { asFerryError, sendError } from '#src/http/errors.js'
import { bareName } from '#src/http/filename.js'
import { filesDoor } from '#src/http/files.js'
import { Form } from '#src/http/form.js'
import { createLinks } from '#src/http/links.js'
import { receipt, wantsReceipt } from '#src/http/receipt.js'
import { IntakeStore } from '#src/http/tus/store.js'
import { treatmentOf } from '#src/http/types.js'
import type { Intake } from '#src/intake/intake.js'
import type { Claim } from '#src/intake/arrival.js'
import { createLog } from '#src/log.js'
import type { Shelf } from '#src/store/shelf.js'
import { FORM_TYPE, filePart, formBytes } from '../../support/form.js'
import {
  STEERING,
  dear,
  isWhole,
  headerText,
  mixture,
  numeral,
  type Property,
  property,
  text,
} from './property.js'

const MD5 = '5f6ad40f2d4013ac4aa429839c5207ad'
const HEX = fc.string({
  unit: fc.constantFrom(...Array.from('0123456789abcdefABCDEF')),
  minLength: 30,
  maxLength: 34,
})

/** The parsers of what reaches the server, and of what its operator writes. `folder`: for what has to be a file. */
export function serverProperties(folder: string): Property[] {
  return [...names(), ...settings(folder), ...claims(folder), ...forms(), ...pages(), ...doors(folder)]
}

function names(): Property[] {
  return [
    property(
      'parseMd5 takes 32 hex digits, in lower case, and nothing else',
      [fc.oneof(HEX, fc.anything())],
      (value) => {
        const md5 = parseMd5(value)
        if (md5 === undefined) return typeof value !== 'string' || !/^[0-9a-f]{32}$/i.test(value)
        return /^[0-9a-f]{32}$/.test(md5) && md5 === String(value).toLowerCase() && parseMd5(md5) === md5
      },
    ),
    property('extensionOf is letters and digits, ten at most', [text()], (name) =>
      /^[a-z0-9]{1,10}$/.test(extensionOf(name)),
    ),
    property('extensionOf is the same of what it has made', [text()], (name) => {
      const extension = extensionOf(name)
      return extensionOf(`${MD5}.${extension}`) === extension
    }),
    property(
      'bareName is a name: no path, nothing that steers, no half character, of bounded length',
      [text(600)],
      (sent) => {
        const name = bareName(sent)
        return !/[/\\]/.test(name) && !STEERING.test(name) && isWhole(name) && name.length <= 200
      },
    ),
    property('bareName leaves alone what it has made', [text(600)], (sent) => {
      const name = bareName(sent)
      return bareName(name) === name
    }),
    property(
      'bareName keeps the extension that the file is named by',
      [text(600), fc.stringMatching(/^[a-z0-9]{1,10}$/)],
      (stem, extension) => {
        return extensionOf(bareName(`${stem}x.${extension}`)) === extension
      },
    ),
    property(
      'treatmentOf gives no type that a browser would run',
      [fc.oneof(fc.stringMatching(/^[a-z0-9]{1,10}$/), text(12))],
      (extension) => {
        const { type, csp } = treatmentOf(extension)
        return !/script|html|xml|svg|css|wasm/.test(type) && csp.startsWith("default-src 'none'")
      },
    ),
    property('the name in Content-Disposition is a header, and comes back as it was', [text(200)], (sent) => {
      const name = bareName(sent) || 'x'
      const header = contentDisposition(name, { type: 'attachment' })
      if (!/^[\t\u0020-\u007E\u00A0-\u00FF]*$/.test(header)) return false
      const proposed = proposedName(header, 'linux')
      // What the client takes away is never more than it takes from the name itself.
      return proposed === proposedName(contentDisposition(name, { type: 'inline' }), 'linux')
    }),
    property(
      'a line of the log stays one line, whatever is told in it',
      [text(), text(), fc.constantFrom('text' as const, 'json' as const)],
      (message, cause, format) => {
        const lines: string[] = []
        const log = createLog(
          format,
          (line) => lines.push(line),
          (line) => lines.push(line),
        )
        log.info(message, { told: cause })
        log.error(message, new Error(cause))
        return lines.length === 2 && lines.every((line) => !STEERING.test(line))
      },
    ),
    property('a line of the log in JSON can be read back', [text()], (message) => {
      let line = ''
      createLog(
        'json',
        (told) => (line = told),
        () => undefined,
      ).info(message)
      return (JSON.parse(line) as { message: string }).message === message
    }),
  ]
}

const KEYS = [
  'HOST',
  'HTTP_PORT',
  'BIND',
  'FILES_DIR',
  'TMP_DIR',
  'PUBLIC_URL',
  'MAX_SIZE',
  'TMP_TTL_HOURS',
  'LEASE_SECONDS',
  'LOG_FORMAT',
  'MIN_FREE',
  'SCRUB_DAYS',
]
const VALUES = [
  'http://',
  'https://',
  'a.example',
  '127.0.0.1',
  '[',
  '::1',
  ']',
  ':8080',
  '/',
  '?',
  '#',
  '@',
  'user',
  '.',
  '0x',
  'text',
]

/** An address that is nearly one to put a path behind. */
const ADDRESS = fc
  .tuple(
    fc.constantFrom('http://', 'https://', 'HTTP://', 'ftp://', 'javascript:', ''),
    fc.constantFrom('', 'name@', ':word@', 'name:word@', '@'),
    fc.constantFrom('a.example', '127.0.0.1', '[::1]', '1.2.3.999', '0x7f.1', ''),
    fc.constantFrom('', ':8080', ':', ':99999'),
    fc.constantFrom('', '/', '/f', '/f/', '//', '/..', '/%2e%2e', '/ä'),
    fc.constantFrom('', '', '?', '#', '?#', '?a', '#a'),
  )
  .map((parts) => parts.join(''))

function settings(folder: string): Property[] {
  const value = fc.oneof(mixture(VALUES), numeral(), text())
  const configOf = (key: string, given: string): Config | undefined => {
    const parsed = parseConfig({ [key]: given }, {}, '/srv')
    return 'config' in parsed ? parsed.config : undefined
  }
  return [
    property(
      'parseConfig gives a configuration or names what is wrong',
      [fc.dictionary(fc.constantFrom(...KEYS), value), fc.dictionary(fc.constantFrom(...KEYS), value)],
      (file, environment) => {
        const parsed = parseConfig(file, environment, '/srv')
        if ('config' in parsed) return Object.isFrozen(parsed.config)
        return parsed.bad.length > 0 && parsed.bad.every(({ key }) => key in file || key in environment)
      },
    ),
    property('parseConfig takes no HOST of which no link can be made', [value], (host) => {
      const config = configOf('HOST', host)
      return !config || (URL.canParse(config.publicUrl) && new URL(config.publicUrl).pathname === '/')
    }),
    property(
      'parseConfig takes no PUBLIC_URL that a path can not be put behind',
      [fc.oneof(ADDRESS, value)],
      (url) => {
        const config = configOf('PUBLIC_URL', url)
        if (!config) return true
        const link = `${config.publicUrl}/files/${MD5}.bin`
        const { protocol, pathname, search, hash, username, password } = new URL(link)
        return (
          /^https?:$/.test(protocol) &&
          pathname.endsWith(`/files/${MD5}.bin`) &&
          !(search || hash || username || password)
        )
      },
    ),
    property(
      'parseConfig keeps numbers within their bounds',
      [
        fc.constantFrom('HTTP_PORT', 'MAX_SIZE', 'TMP_TTL_HOURS', 'LEASE_SECONDS', 'MIN_FREE', 'SCRUB_DAYS'),
        value,
      ],
      (key, number) => {
        const config = configOf(key, number)
        if (!config) return true
        const { port, maxSize, ttlHours, leaseSeconds, minFree, scrubDays } = config
        const whole = [port, maxSize, minFree].every((figure) => Number.isSafeInteger(figure) && figure >= 0)
        return whole && port <= 65_535 && ttlHours > 0 && leaseSeconds >= 1 && scrubDays >= 0
      },
    ),
    property(
      'parseSize reads bytes, whole and safe, or nothing',
      [fc.oneof(numeral(), mixture(['1', '0', '.', 'K', 'm', 'G', 'T', 'i', 'B', ' ']))],
      (size) => {
        const bytes = parseSize(size)
        return bytes === undefined || (Number.isSafeInteger(bytes) && bytes >= 0)
      },
    ),
    property(
      'parseSize reads what a size is written as',
      [
        fc.nat(1_000_000),
        fc.constantFrom('', ' '),
        fc.constantFrom('', 'K', 'M', 'G'),
        fc.constantFrom('', 'B', 'iB', 'b'),
      ],
      (amount, space, unit, byte) => {
        return (
          parseSize(`${amount}${space}${unit}${byte}`) === amount * 1024 ** ['', 'K', 'M', 'G'].indexOf(unit)
        )
      },
    ),
    dear(
      property(
        'readDotenv reads any file, and makes nothing but texts of it',
        [
          fc.oneof(
            fc.uint8Array({ maxLength: 200 }),
            mixture(['HOST', '=', '"', "'", '\n', '#', '\\', '$', '{', 'export ', '__proto__']).map((lines) =>
              Buffer.from(lines),
            ),
          ),
        ],
        (bytes) => {
          const path = join(folder, '.env')
          writeFileSync(path, bytes)
          const read = readDotenv(path)
          return Object.values(read).every((kept) => typeof kept === 'string') && !('polluted' in {})
        },
      ),
    ),
    dear(
      property(
        'readDotenv reads what was written between quotation marks',
        [fc.constantFrom(...KEYS), fc.stringMatching(/^[ -&(-[\]-~]*$/)],
        (key, kept) => {
          const path = join(folder, '.env')
          writeFileSync(path, `# a comment\n${key}='${kept}'\n`)
          return readDotenv(path)[key] === kept
        },
      ),
    ),
  ]
}

/** What the intake is told of a creation with this metadata. */
async function claimOf(metadata: ReturnType<typeof Metadata.parse>, folder: string): Promise<Claim> {
  let claim: Claim | undefined
  const create = (told: Claim) => void (claim = told)
  const intake = { create, look: () => undefined } as unknown as Intake
  const store = new IntakeStore(
    intake,
    () => ({ address: undefined, isWhole: false, concat: undefined }),
    folder,
  )
  await store.create(new TusUpload({ id: MD5, size: 1, offset: 0, metadata }))
  return claim!
}

function claims(folder: string): Property[] {
  const well = text().filter((value) => isWhole(value))
  const pair = fc.oneof(fc.constantFrom('md5', 'filename', 'client', '__proto__', 'constructor'), text(6))
  const base64 = text(20).map((value) => Buffer.from(value).toString('base64'))
  const header = fc
    .array(fc.tuple(pair, fc.constantFrom(' ', '', '  ', '='), fc.oneof(base64, text(10))), { maxLength: 6 })
    .map((pairs) => pairs.map((parts) => parts.join('')).join(','))
  return [
    property(
      'Upload-Metadata as the client writes it arrives as it was meant',
      [well, well],
      async (filename, client) => {
        const sent = encodeMetadata({
          [METADATA.md5]: MD5,
          [METADATA.filename]: filename,
          [METADATA.client]: client,
        })
        const claim = await claimOf(Metadata.parse(sent), folder)
        const expected = { md5: MD5, size: 1, filename: bareName(filename), client: client || undefined }
        return JSON.stringify(claim) === JSON.stringify(expected)
      },
    ),
    property(
      'Upload-Metadata of any kind is understood or refused, and claims nothing but texts',
      [header],
      async (sent) => {
        let metadata
        try {
          metadata = Metadata.parse(sent)
        } catch (error) {
          return (error as Error).message === 'Metadata string is not valid'
        }
        try {
          const { md5, filename, client } = await claimOf(metadata, folder)
          return (
            [md5, client].every((value) => ['string', 'undefined'].includes(typeof value)) &&
            !STEERING.test(filename)
          )
        } catch (error) {
          return error instanceof FerryError && error.code === 'bad-md5'
        }
      },
    ),
  ]
}

/** A request with these headers and this body, as far as a form looks at it. */
function asRequest(headers: IncomingHttpHeaders, body: Uint8Array): IncomingMessage {
  return Object.assign(Readable.from([Buffer.from(body)]), {
    headers,
    complete: true,
  }) as unknown as IncomingMessage
}

/** The name that came with the form's file; undefined where there was none. Rejects with what reading the form does. */
async function nameInForm(body: Uint8Array, type = FORM_TYPE): Promise<string | undefined> {
  let name: string | undefined
  await Form.open(asRequest({ 'content-type': type }, body)).read('file', (part, filename) => {
    name = filename
    part.resume()
  })
  return name
}

async function isReadOrRefused(body: Uint8Array, type?: string): Promise<boolean> {
  try {
    return ['string', 'undefined'].includes(typeof (await nameInForm(body, type)))
  } catch (error) {
    return error instanceof FerryError && error.code === 'bad-form'
  }
}

function forms(): Property[] {
  const lines = [
    '--ferry-test-boundary',
    '\r\n',
    '\n',
    '--',
    'Content-Disposition: form-data; name="file"',
    '; filename="',
    '"',
    "filename*=UTF-8''",
    '%e4',
    '\\',
  ]
  return [
    property(
      'a Content-Type is that of a form or refused',
      [fc.oneof(headerText(), mixture(['multipart/form-data', ';', ' ', 'boundary=', '"', 'x', '=']))],
      (type) => {
        try {
          return Form.open(asRequest({ 'content-type': type }, Buffer.alloc(0))) instanceof Form
        } catch (error) {
          return error instanceof FerryError && error.code === 'bad-form'
        }
      },
    ),
    property(
      'a form of any bytes is read or refused',
      [
        fc.oneof(
          fc.uint8Array({ maxLength: 300 }),
          mixture(lines, 20).map((form) => Buffer.from(form)),
        ),
      ],
      (body) => isReadOrRefused(body),
    ),
    property('a form with a byte changed is read or refused', [fc.nat(200), fc.nat(255)], (at, byte) => {
      const form = formBytes({ head: filePart('a.mp4'), body: 'content' })
      form[at % form.length] = byte
      return isReadOrRefused(form)
    }),
    property(
      'a file’s name as browsers write it comes out as it was',
      [text(60).filter((name) => isWhole(name) && !/[\\\0]/.test(name) && !/%(0A|0D|22)/i.test(name))],
      async (name) => {
        const written = name.replaceAll('\r', '%0D').replaceAll('\n', '%0A').replaceAll('"', '%22')
        const read = await nameInForm(formBytes({ head: filePart(written), body: 'x' }))
        return bareName(read ?? '') === bareName(name)
      },
    ),
  ]
}

function pages(): Property[] {
  const asked = (headers: IncomingHttpHeaders): Request =>
    Object.assign(Object.create(express.request) as Request, { headers })
  const accept = fc.oneof(
    headerText(),
    mixture(['text/html', 'application/json', '*/*', ',', ';q=', '0', '1', ' ', 'image/png']),
  )
  const language = fc.oneof(headerText(), mixture(['zh', 'zh-CN', 'en', '*', ',', ';q=', '0', '1', '-']))
  const unescaped = (html: string) =>
    html.replace(
      /&(amp|lt|gt|quot|#39);/g,
      (_, name: string) => ({ amp: '&', lt: '<', gt: '>', quot: '"', '#39': "'" })[name]!,
    )
  return [
    property(
      'any Accept is understood: a page or none',
      [accept],
      (value) => typeof wantsReceipt(asked({ accept: value })) === 'boolean',
    ),
    property('any Accept-Language gets one of two languages', [language], (value) => {
      const { body } = receipt({ status: 'ok', url: '/x', name: 'x' }, asked({ 'accept-language': value }))
      return /^<!doctype html>\n<html lang="(en|zh-CN)">/.test(body)
    }),
    property('a name in the page is a text, whatever it is', [text(), text()], (name, url) => {
      const { body } = receipt({ status: 'ok', url, name }, asked({}))
      const plain = receipt({ status: 'ok', url: 'x', name: 'x' }, asked({})).body
      const marks = (html: string) => html.replace(/[^<>"]/g, '')
      const [, shown] = /<p>([^<]*)<\/p>\n<p>The link/.exec(body) ?? []
      return marks(body) === marks(plain) && shown !== undefined && unescaped(shown) === name
    }),
    property(
      'an error’s words in the page are a text, whatever they are',
      [text(), fc.option(fc.nat(), { nil: undefined })],
      (message, retryAfter) => {
        const more = retryAfter === undefined ? {} : { retryAfter }
        const { body } = receipt(new FerryError('io-failed', message, more), asked({}))
        const [, shown] = /<p class="detail" lang="en">([^<]*)<\/p>/.exec(body) ?? []
        return shown !== undefined && unescaped(shown) === message
      },
    ),
  ]
}

interface Got {
  status: number
  headers: IncomingHttpHeaders
  body: Buffer
}

/** The real doors, before a shelf with one file and an intake that knows nothing. */
class Doors {
  static readonly size = 1000
  static readonly bytes = Buffer.from(Array.from({ length: Doors.size }, (_, at) => at % 251))
  readonly agent = new Agent({ keepAlive: true, maxSockets: 1 })
  /** What the file is called. */
  filename = ''
  #port: Promise<number> | undefined

  constructor(readonly directory: string) {}

  /** Asks with this path and these headers, as they are. */
  async get(path: string, headers: Record<string, string> = {}): Promise<Got> {
    const port = await (this.#port ??= this.#listen())
    const sent = request({ port, host: '127.0.0.1', path, headers, agent: this.agent })
    sent.end()
    const [response] = (await once(sent, 'response')) as [IncomingMessage]
    const chunks: Buffer[] = []
    for await (const chunk of response) chunks.push(chunk as Buffer)
    return { status: response.statusCode!, headers: response.headers, body: Buffer.concat(chunks) }
  }

  async #listen(): Promise<number> {
    const { directory } = this
    writeFileSync(join(directory, `${MD5}.bin`), Doors.bytes)
    const find = () => ({ md5: MD5, file: `${MD5}.bin`, size: Doors.size, filename: this.filename })
    const unknown = { state: 'notfound' }
    const intake = {
      standing: () => unknown,
      standingAfter: () => Promise.resolve(unknown),
      mayHave: (size: number) => Number.isSafeInteger(size) && size >= 0,
    }
    const app = express()
    app.get(
      '/check',
      checkDoor(
        intake as unknown as Intake,
        createLinks({ publicUrl: '', behindProxy: false, filesOrigin: '' }, undefined),
      ),
    )
    app.get('/files/:name', filesDoor({ directory, find } as unknown as Shelf, false))
    app.use((error: unknown, _req: Request, res: express.Response, _next: express.NextFunction) => {
      sendError(res, asFerryError(error))
    })
    const server = app.listen(0, '127.0.0.1')
    server.unref()
    await once(server, 'listening')
    return (server.address() as AddressInfo).port
  }
}

function doors(folder: string): Property[] {
  const doors = new Doors(folder)
  const link = `/files/${MD5}.bin`
  const range = fc.oneof(
    mixture(['bytes', '=', '-', ',', ' ', '0', '999', '1000', '1001', 'BYTES', 'items']),
    fc
      .tuple(fc.oneof(fc.nat(1100).map(String), numeral()), fc.oneof(fc.nat(1100).map(String), numeral()))
      .map(([first, last]) => `bytes=${first}-${last}`),
  )
  const query = mixture(['md5', 'md5s', 'size', 'wait', '=', '&', ',', MD5, '%', '%00', '[]', '[', '0', '+'])
  return [
    dear(
      property(
        'Range: what comes is the file, or that part of it that the answer names',
        [range.map((value) => value.replace(/[^\t -~]/g, ''))],
        async (value) => {
          const { status, headers, body } = await doors.get(link, { range: value })
          const [, first, last, size] =
            /^bytes (\d+)-(\d+)\/(\d+)$/.exec(headers['content-range'] ?? '') ?? []
          if (status === 416) return headers['content-range'] === `bytes */${Doors.size}` && body.length === 0
          if (status === 200) return body.equals(Doors.bytes)
          const wanted = Doors.bytes.subarray(Number(first), Number(last) + 1)
          return status === 206 && Number(size) === Doors.size && body.length > 0 && body.equals(wanted)
        },
      ),
    ),
    dear(
      property(
        'Range: one that makes sense brings just that part',
        [fc.nat(Doors.size - 1), fc.nat(2 * Doors.size)],
        async (first, length) => {
          const { status, body } = await doors.get(link, { range: `bytes=${first}-${first + length}` })
          return status === 206 && body.equals(Doors.bytes.subarray(first, first + length + 1))
        },
      ),
    ),
    dear(
      property(
        'Range: the last bytes are the last, and not more than there are',
        [fc.nat(2 * Doors.size)],
        async (last) => {
          const { status, body } = await doors.get(link, { range: `bytes=-${last}` })
          return last === 0 ? status === 416 : status === 206 && body.equals(Doors.bytes.subarray(-last))
        },
      ),
    ),
    dear(
      property('a file of any name has headers, and a name that is no path', [text(60)], async (filename) => {
        doors.filename = bareName(filename)
        const { status, headers } = await doors.get(link)
        const name = proposedName(headers['content-disposition'], 'win32')
        return status === 200 && (name === undefined || !/[/\\:]/.test(name))
      }),
    ),
    dear(
      property(
        '/check answers any query with what it knows or what is wrong with it',
        [query],
        async (asked) => {
          const { status, body } = await doors.get(
            `/check?${asked.replace(/[^!-~]/g, (letter) => encodeURIComponent(isWhole(letter) ? letter : '?'))}`,
          )
          const { status: said, code } = JSON.parse(body.toString()) as Record<string, unknown>
          return status === 200
            ? said !== 'error'
            : status === 400 && ['bad-md5', 'bad-request'].includes(String(code))
        },
      ),
    ),
  ]
}

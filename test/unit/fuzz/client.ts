import * as fc from 'fast-check'
import { writeFileSync } from 'node:fs'
import type { IncomingMessage } from 'node:http'
import { join } from 'node:path'
import { parseServer } from '#cli/address.js'
import { padded, shortened, widthOf } from '#cli/columns.js'
import { readValue } from '#cli/commands/values.js'
import { createResults } from '#cli/commands/results.js'
import { printable } from '#cli/console.js'
import { ClientError, EXIT_CODES } from '#cli/errors.js'
import { Replaced, checkedStart, factsIn, strongEtag } from '#cli/get/facts.js'
import { readManifest, segmentsOf } from '#cli/get/manifest.js'
import { getMessagesIn } from '#cli/get/messages.js'
import { LONGEST_NAME, cleanName, proposedName, shorten } from '#cli/get/name.js'
import { Ranges } from '#src/spread/ranges.js'
import { readRecord } from '#cli/get/record.js'
import { parseSource, shownUrl } from '#cli/get/source.js'
import { describe as inWords, messagesIn } from '#cli/messages.js'
import { parseDuration } from '#cli/options.js'
import { asReply, problemOf } from '#cli/reply.js'
import { Patience, parseRetryAfter } from '#cli/retry.js'
import { parseStanding, parseStandings } from '#cli/wire.js'
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
const SERVER = 'http://a.example:8080'
const PLATFORMS = fc.constantFrom('linux', 'win32')

/** The parsers of what a server, a user or a file tells the client. `folder`: for what has to be a file. */
export function clientProperties(folder: string): Property[] {
  return [...replies(), ...addresses(), ...names(), ...downloads(folder), ...screens()]
}

/** True where `act` returns, or throws a ClientError of these kinds. */
function throwsOnly(act: () => unknown, ...codes: string[]): boolean {
  try {
    act()
    return true
  } catch (error) {
    return error instanceof ClientError && codes.includes(error.code)
  }
}

/** JSON that is close to what a server says. */
const JSON_ANSWER = fc.oneof(
  fc.json(),
  text(),
  fc
    .record(
      {
        status: fc.oneof(fc.constantFrom('exists', 'uploading', 'notfound', 'error', 'many'), fc.jsonValue()),
        url: fc.oneof(text(), fc.jsonValue()),
        offset: fc.oneof(fc.double(), fc.maxSafeInteger(), fc.jsonValue()),
        size: fc.oneof(fc.double(), fc.maxSafeInteger(), fc.jsonValue()),
        retryAfter: fc.oneof(fc.double(), fc.jsonValue()),
        code: fc.jsonValue(),
        message: fc.oneof(text(900), fc.jsonValue()),
        answers: fc.oneof(fc.array(fc.record({ status: fc.constant('notfound') })), fc.jsonValue()),
      },
      { requiredKeys: [] },
    )
    .map((answer) => JSON.stringify(answer)),
)

function replies(): Property[] {
  const reply = fc
    .tuple(fc.nat(999), fc.oneof(numeral(), text(20)), fc.oneof(numeral(), text(20)), JSON_ANSWER)
    .map(([status, offset, after, body]) => {
      const headers: Record<string, string> = { 'upload-offset': offset, 'retry-after': after }
      return asReply(status, (name) => headers[name], body)
    })
  const isCount = (value: unknown) =>
    value === undefined || (Number.isSafeInteger(value) && (value as number) >= 0)
  return [
    property('asReply reads any answer; an offset is a number of bytes', [reply], ({ offset, json }) => {
      return isCount(offset) && (json === undefined || typeof json === 'object')
    }),
    property('problemOf has a code and at most 300 letters of the server’s', [reply], (answer) => {
      const { code, facts } = problemOf(answer)
      return code in EXIT_CODES && typeof facts.reason === 'string' && facts.reason.length <= 300
    }),
    property('problemOf can be said in both languages', [reply], (answer) => {
      const error = problemOf(answer)
      return (['en', 'zh-CN'] as const).every((language) => inWords(error, messagesIn(language)).length < 600)
    }),
    property('parseStanding takes what has the right types and nothing else', [reply], (answer) => {
      const standing = parseStanding(answer)
      if (standing?.status === 'exists') return typeof standing.url === 'string'
      if (standing?.status !== 'uploading') return standing === undefined || standing.status === 'notfound'
      return (
        isCount(standing.offset) && isCount(standing.size) && [true, undefined].includes(standing.resumable)
      )
    }),
    property(
      'parseStandings gives as many as were asked for, or none',
      [reply, fc.nat(4)],
      (answer, count) => {
        const standings = parseStandings(answer, count)
        return standings === undefined || standings.length === count
      },
    ),
    property(
      'parseRetryAfter is a time to wait, or nothing',
      [
        fc.oneof(
          numeral(),
          text(30),
          fc.date({ noInvalidDate: true }).map((date) => date.toUTCString()),
        ),
      ],
      (value) => {
        const ms = parseRetryAfter(value, 0)
        return ms === undefined || (Number.isFinite(ms) && ms >= 0)
      },
    ),
    property(
      'Patience never waits longer than it has time left, nor than a timer can',
      [fc.double({ min: 0, max: 1e13, noNaN: true }), fc.double({ min: 0, noNaN: true })],
      (forMs, asked) => {
        const pause = new Patience(forMs, () => 0).pauseAfterFailure(asked)
        return pause === undefined ? forMs === 0 : pause <= forMs && pause < 2 ** 31
      },
    ),
  ]
}

function addresses(): Property[] {
  const address = mixture([
    'http://',
    'https://',
    'a.example',
    '127.0.0.1',
    '::1',
    '[',
    ']',
    ':',
    '8080',
    '/',
    '?',
    '#',
    '@',
    'ftp://',
    'file:///',
    'javascript:',
  ])
  return [
    property('parseServer gives an origin of http(s), or bad-server', [fc.oneof(address, text())], (given) =>
      throwsOnly(() => {
        const { protocol, search, hash, username } = new URL(parseServer(given))
        if (!/^https?:$/.test(protocol) || search || hash || username) throw new Error('not an origin')
      }, 'bad-server'),
    ),
    property('parseServer leaves alone what it has made', [fc.oneof(address, text())], (given) =>
      throwsOnly(() => {
        const server = parseServer(given)
        if (parseServer(server) !== server) throw new Error('not the same')
      }, 'bad-server'),
    ),
    property(
      'parseSource gives an address with its MD5, or bad-source',
      [fc.oneof(mixture([SERVER, '/files/', MD5, '.mp4', '#', '?', '/', 'x', '%2e', 'file://']), text())],
      (given) =>
        throwsOnly(() => {
          const { url, md5, lastSegment } = parseSource(given, SERVER)
          if (!/^https?:$/.test(url.protocol) || !lastSegment.toLowerCase().startsWith(md5))
            throw new Error('another address')
          if (new URL(shownUrl(url)).username) throw new Error('a name is shown')
        }, 'bad-source'),
    ),
    property(
      'parseDuration gives milliseconds, or bad-duration',
      [fc.oneof(numeral(), mixture(['1', '30', 'ms', 's', 'm', 'h', 'd', '.']))],
      (given) =>
        throwsOnly(() => {
          if (!(parseDuration(given) >= 0)) throw new Error('no time')
        }, 'bad-duration'),
    ),
    property(
      'sizes and rates are whole and safe, or bad-usage',
      [fc.oneof(numeral(), mixture(['1', '.', ' ', 'k', 'M', 'g', 'T', 'i', 'B']))],
      (given) =>
        throwsOnly(() => {
          const texts = { usage: { badValue: () => '' }, expected: {} } as unknown as Parameters<
            typeof readValue
          >[3]
          const bytes = readValue({ kind: 'size' } as Parameters<typeof readValue>[0], given, '', texts)
          if (!Number.isSafeInteger(bytes) || (bytes as number) < 1) throw new Error('no size')
        }, 'bad-usage'),
    ),
  ]
}

function names(): Property[] {
  /** A name that stays in its folder, on that platform, and that a reader sees as it is. */
  const isSafe = (name: string, platform: string) =>
    !/[/\\]/.test(name) &&
    !STEERING.test(name) &&
    isWhole(name) &&
    !/^[.\s]|[.\s]$/.test(name) &&
    Buffer.byteLength(name) <= LONGEST_NAME + 1 &&
    !(platform === 'win32' && /[<>:"|?*]/.test(name)) &&
    !/^(con|prn|aux|nul|com[0-9]|lpt[0-9])(\.|$)/i.test(name)
  const long = fc
    .tuple(fc.constantFrom('x', '长', '🎬', 'a.'), fc.integer({ min: 50, max: 240 }), text(20))
    .map(([letter, times, end]) => letter.repeat(times) + end)
  const disposition = mixture([
    'attachment',
    'inline',
    ';',
    ' ',
    'filename=',
    'filename*=',
    "UTF-8''",
    '%2F',
    '%5C',
    '%00',
    '%E2%80%AE',
    '"',
    '\\',
    '../',
    'a.mp4',
    'iso-8859-1',
    'CON',
  ])
  return [
    property(
      'cleanName is a name that stays where it is put',
      [fc.oneof(text(400), long), PLATFORMS],
      (given, platform) => isSafe(cleanName(given, platform), platform),
    ),
    property(
      'cleanName leaves alone what it has made',
      [fc.oneof(text(400), long), PLATFORMS],
      (given, platform) => {
        const name = cleanName(given, platform)
        return cleanName(name, platform) === name
      },
    ),
    property(
      'proposedName is such a name, or none, whatever the header',
      [fc.oneof(disposition, headerText(300)), PLATFORMS],
      (header, platform) => {
        const name = proposedName(header, platform)
        return name === undefined || (name !== '' && isSafe(name, platform))
      },
    ),
    property(
      'shorten keeps to its bytes and splits no character',
      [text(400).filter((name) => isWhole(name)), fc.integer({ min: 90, max: 255 })],
      (name, bytes) => {
        const short = shorten(name, bytes)
        return Buffer.byteLength(short) <= bytes && isWhole(short)
      },
    ),
    property(
      'segmentsOf never leads out of the folder, or is unsafe-path',
      [fc.oneof(mixture(['..', '/', '\\', 'C:', 'a', '.', 'CON', '\0', ' ']), text()), PLATFORMS],
      (path, platform) =>
        throwsOnly(() => {
          const segments = segmentsOf(path, platform)
          const isOut = segments.some((segment) => ['', '.', '..'].includes(segment) || /[/\0]/.test(segment))
          if (segments.length === 0 || isOut) throw new Error('leads out')
          if (platform === 'win32' && segments.some((segment) => /[\\:]/.test(segment)))
            throw new Error('leads out')
        }, 'unsafe-path'),
    ),
  ]
}

function downloads(folder: string): Property[] {
  const position = fc.oneof(fc.nat(2000).map(String), numeral())
  const contentRange = fc.oneof(
    fc.tuple(position, position, position).map(([start, end, size]) => `bytes ${start}-${end}/${size}`),
    mixture(['bytes', ' ', '-', '/', '*', '0', '999', '1000']),
  )
  const etag = fc.oneof(fc.constantFrom(undefined, '"a"', 'W/"a"', '""', '"', 'a'), headerText(20))
  const within = fc.nat(2000).chain((start) => fc.nat(500).map((length) => ({ start, end: start + length })))
  return [
    property('factsIn: a size is a number of bytes', [fc.oneof(numeral(), headerText(12))], (length) => {
      const facts = factsIn({ 'content-length': length })
      return facts === undefined || (Number.isSafeInteger(facts.size) && facts.size >= 0)
    }),
    property(
      'checkedStart: bytes never begin behind what was asked for, nor belong to another content',
      [fc.constantFrom(200, 206), contentRange, position, etag, fc.nat(1000)],
      (statusCode, range, length, tag, start) => {
        const headers = {
          'content-range': range,
          'content-length': length,
          ...(tag !== undefined && { etag: tag }),
        }
        const facts = { size: 1000, etag: '"a"', disposition: undefined, hasRanges: true }
        try {
          const begin = checkedStart(
            { statusCode, headers } as unknown as IncomingMessage,
            { start, end: 1000 },
            facts,
          )
          return (
            Number.isSafeInteger(begin) && begin >= 0 && begin <= start && tag?.replace(/^W\//, '') === '"a"'
          )
        } catch (error) {
          return error instanceof Replaced || (error instanceof ClientError && error.code === 'line-down')
        }
      },
    ),
    property('strongEtag sends back no weak one', [etag], (tag) => {
      const strong = strongEtag({ size: 1, etag: tag, disposition: undefined, hasRanges: true })
      return strong === undefined || (strong === tag && strong.startsWith('"'))
    }),
    property(
      'Ranges: what is there and what is missing is the whole, and nothing twice',
      [fc.array(within, { maxLength: 12 }), fc.nat(3000)],
      (ranges, size) => {
        const have = new Ranges(ranges).within(size)
        const sum = have.gaps(size).reduce((bytes, { start, end }) => bytes + end - start, have.total)
        const bits = new Set(
          ranges.flatMap(({ start, end }) =>
            Array.from({ length: Math.max(0, Math.min(end, size) - start) }, (_, at) => start + at),
          ),
        )
        return sum === size && bits.size === have.total
      },
    ),
    dear(
      property(
        'a record of any bytes is understood, or torn',
        [
          fc.oneof(
            fc.json(),
            fc
              .record({
                md5: fc.oneof(fc.constant(MD5), text()),
                size: fc.oneof(fc.maxSafeInteger(), fc.double(), text(5)),
                etag: fc.jsonValue(),
                have: fc.oneof(
                  fc.array(fc.array(fc.oneof(fc.maxSafeInteger(), fc.jsonValue()), { maxLength: 3 })),
                  fc.jsonValue(),
                ),
              })
              .map((record) => JSON.stringify(record)),
            text(),
          ),
        ],
        async (bytes) => {
          const path = join(folder, 'a.part.json')
          writeFileSync(path, bytes)
          const record = await readRecord(path)
          if (record === 'torn' || record === undefined) return record === 'torn'
          const { md5, size, have } = record
          return md5 === MD5 && Number.isSafeInteger(size) && size >= 0 && have.total <= size
        },
      ),
    ),
    dear(
      property(
        'a manifest of any bytes is a table, or bad-manifest',
        [
          fc.oneof(
            fc.uint8Array({ maxLength: 200 }),
            mixture(['path', 'url', 'md5', ',', '\r\n', '\n', '"', '\uFEFF', 'a', MD5], 30).map((lines) =>
              Buffer.from(lines),
            ),
          ),
        ],
        async (bytes) => {
          const path = join(folder, 'manifest.csv')
          writeFileSync(path, bytes)
          try {
            const rows = await readManifest(path, path, getMessagesIn('en'))
            return rows.every((row) => Object.values(row).every((cell) => typeof cell === 'string'))
          } catch (error) {
            return error instanceof ClientError && error.code === 'bad-manifest'
          }
        },
      ),
    ),
  ]
}

function screens(): Property[] {
  const columns = fc.nat(120)
  return [
    property(
      'printable leaves nothing that steers a terminal',
      [text(300)],
      (given) => !STEERING.test(printable(given)) && printable(printable(given)) === printable(given),
    ),
    property(
      'a result for programs steers no terminal either, and is the same in JSON',
      [text()],
      (given) => {
        let written = ''
        createResults({ write: (line) => (written += line) }, true).add('', { url: given })
        const isQuiet = !STEERING.test(written.replace(/\n$/, ''))
        return isQuiet && (JSON.parse(written) as { url: string }).url === given
      },
    ),
    property(
      'shortened keeps to its columns',
      [text(200).map(printable), columns],
      (given, most) => widthOf(shortened(given, most)) <= most,
    ),
    property(
      'padded fills its columns',
      [text(40).map(printable), columns],
      (given, most) => widthOf(padded(given, most)) === Math.max(most, widthOf(given)),
    ),
  ]
}

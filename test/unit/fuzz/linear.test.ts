import { Metadata } from '@tus/server'
import { parse as parseDisposition } from 'content-disposition'
import { describe, expect, it } from 'vitest'
import { parseServer } from '#cli/address.js'
import { printable } from '#cli/console.js'
import { segmentsOf } from '#cli/get/manifest.js'
import { cleanName, proposedName } from '#cli/get/name.js'
import { parseSource } from '#cli/get/source.js'
import { parseDuration } from '#cli/options.js'
import { asReply, problemOf } from '#cli/reply.js'
import { parseRetryAfter } from '#cli/retry.js'
import { parseConfig, parseSize } from '#src/config.js'
import { extensionOf, parseMd5 } from '#src/contract.js'
import { bareName } from '#src/http/filename.js'
import { createLog } from '#src/log.js'

/** Far more than any header has room for: what takes its time by the square would take half a minute. */
const LETTERS = 128 * 1024
/** Milliseconds; what takes its time by the length needs a few. */
const MOST = 2000

const nothing = () => undefined
const PARSERS: Record<string, (text: string) => unknown> = {
  parseMd5,
  extensionOf,
  bareName,
  parseSize,
  parseConfig: (text) => parseConfig({ HOST: text, PUBLIC_URL: `http://${text}`, LOG_FORMAT: text }, {}, '/'),
  'a line of the log': (text) => createLog('json', nothing, nothing).info(text),
  'Upload-Metadata': (text) => Metadata.parse(text),
  'Content-Disposition': (text) => parseDisposition(`form-data; name="file"; ${text}`, { multipart: true }),
  cleanName: (text) => cleanName(text, 'win32'),
  proposedName: (text) => proposedName(`attachment; filename="${text}"`, 'win32'),
  segmentsOf: (text) => segmentsOf(text, 'win32'),
  parseServer,
  parseSource: (text) => parseSource(text, 'http://a.example'),
  parseDuration,
  parseRetryAfter: (text) => parseRetryAfter(text),
  'an answer': (text) => problemOf(asReply(500, () => text, text)),
  printable,
}

/** What makes a pattern try again from each letter: beginnings, repeated, without their end. */
const REPEATED = [
  ' ',
  '.',
  '. ',
  '/',
  '\\',
  '"',
  '\\"',
  '1',
  '1.',
  '1s',
  'a',
  'a,',
  ';',
  '; ',
  '%',
  '-',
  '\0',
  '\u202E',
  '=',
  'filename="',
  ',',
]

describe('a text of a hostile length takes no longer than its length', () => {
  it.each(Object.entries(PARSERS))('%s', (_name, parse) => {
    for (const part of REPEATED) {
      for (const [begin, end] of [
        ['', ''],
        ['', '!'],
        ['a', '!'],
      ] as const) {
        const text = begin + part.repeat(LETTERS / part.length) + end
        const begun = performance.now()
        try {
          parse(text)
        } catch {
          // Refused is well enough.
        }
        expect(performance.now() - begun, JSON.stringify(begin + part + end)).toBeLessThan(MOST)
      }
    }
  })
})

import * as fc from 'fast-check'
import { afterAll, describe, expect, it, vi } from 'vitest'
import { Metadata } from '@tus/server'
import { isLink, publicLink } from '../../../page/engine/links.js'
import { Problem, problemOf } from '../../../page/engine/problem.js'
import { Server } from '../../../page/engine/server.js'
import { isolated } from '../../../page/view/format/name.js'
import { type Property, isWhole, property, text } from '../fuzz/property.js'

const MD5 = '5f6ad40f2d4013ac4aa429839c5207ad'
const BASE = 'http://a.example:8080'
const CASES = Number(process.env['FERRY_FUZZ_CASES'] ?? 100_000) / 20

/** The page's server, which answers each request with this. */
function server(status: number, body: string, headers: Record<string, string> = {}) {
  const asked: Headers[] = []
  vi.stubGlobal('fetch', (_url: string, init: { headers: Record<string, string> }) => {
    asked.push(new Headers(init.headers))
    return Promise.resolve(new Response(body, { status, headers }))
  })
  const access = { token: undefined, headers: () => ({}), refused: () => Promise.reject(new Error('token')) }
  const page = new Server(BASE, access as unknown as ConstructorParameters<typeof Server>[1])
  return { page, asked }
}

const SIGNAL = new AbortController().signal
const ANSWER = fc.oneof(
  fc.json(),
  text(),
  fc
    .record(
      {
        status: fc.oneof(fc.constantFrom('exists', 'uploading', 'notfound', 'error'), fc.jsonValue()),
        url: fc.oneof(
          fc.webUrl(),
          fc.constantFrom('javascript:alert(1)', ' javascript:x', 'data:,x', 'JavaScript:x'),
          text(),
          fc.jsonValue(),
        ),
        size: fc.jsonValue(),
        offset: fc.jsonValue(),
      },
      { requiredKeys: [] },
    )
    .map((answer) => JSON.stringify(answer)),
)

const PROPERTIES: Property[] = [
  property(
    'Upload-Metadata as the page writes it is read as it was meant',
    [text().filter((name) => isWhole(name) && name !== '')],
    async (filename) => {
      const { page, asked } = server(201, '', { Location: `/tus/${MD5}` })
      await page.create({ md5: undefined, filename, size: 1 }, 'me', SIGNAL)
      const read = Metadata.parse(asked[0]!.get('upload-metadata')!)
      return read['filename'] === filename && read['client'] === 'me'
    },
  ),
  property(
    'an answer of /check is a standing whose link is one of the web, or a problem',
    [ANSWER],
    async (body) => {
      try {
        const [standing] = await server(200, body).page.check([MD5 as never], 'me', SIGNAL)
        return standing?.status !== 'exists' || /^https?:/.test(publicLink(standing.url, BASE))
      } catch (error) {
        return error instanceof Problem && error.kind === 'busy'
      }
    },
  ),
  property(
    'what is called a link is one of the web',
    [fc.oneof(fc.webUrl(), text(), fc.anything())],
    (url) => {
      return !isLink(url) || /^https?:$/.test(new URL(publicLink(url, BASE)).protocol)
    },
  ),
  property(
    'any refusal is a problem, and a pause that a timer can take',
    [fc.nat(999), text(), ANSWER],
    (status, after, body) => {
      const { retryAfterMs } = problemOf({ status, body, header: () => after })
      return retryAfterMs >= 0 && retryAfterMs < 2 ** 31
    },
  ),
  property('a name in a sentence turns nothing around it', [text()], (name) => {
    const shown = isolated(name)
    return (
      !/[\u202A-\u202E\u2066\u2067]/.test(shown) &&
      /^(\u2068[^\u2068\u2069]*\u2069|[^\u2068\u2069]*)$/u.test(shown)
    )
  }),
]

describe('every parser of the page', () => {
  const seed = Number(process.env['FERRY_FUZZ_SEED'] ?? Math.floor(Math.random() * 2 ** 31))
  const each = Math.ceil(CASES / PROPERTIES.length)
  afterAll(() => {
    vi.unstubAllGlobals()
    console.log(`${each * PROPERTIES.length} cases in ${PROPERTIES.length} properties, seed ${seed}`)
  })

  it.each(PROPERTIES.map((promise) => [promise.title, promise] as const))(
    'keeps its promise: %s',
    async (_title, promise) => {
      await expect(promise.run(each, seed)).resolves.toBeUndefined()
    },
    60_000 + CASES,
  )
})

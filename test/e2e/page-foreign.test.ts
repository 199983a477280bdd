import { afterEach, expect, it } from 'vitest'
import { TestServer } from '../support/server.js'
import { metadata, tus } from '../support/tus.js'

const ALLOWED = 'https://app.example'

let server: TestServer
afterEach(() => server.stop())

it('a page of an allowed origin may send pieces, and read what of them is there', async () => {
  server = await TestServer.start({ env: { ALLOWED_ORIGINS: ALLOWED } })
  const asking = { Origin: ALLOWED, 'Tus-Resumable': '1.0.0' }
  const preflight = await fetch(`${server.url}/tus`, {
    method: 'OPTIONS',
    headers: { Origin: ALLOWED, 'Access-Control-Request-Method': 'POST' },
  })
  const allowed = namesIn(preflight, 'Access-Control-Allow-Headers')
  expect(allowed).toEqual(
    expect.arrayContaining([
      'content-type',
      'tus-resumable',
      'upload-concat',
      'upload-length',
      'upload-metadata',
    ]),
  )
  const whole = tus.location(server.url, await tus.create(server.url, 100, {}))
  const put = await fetch(`${server.url}/tus`, {
    method: 'POST',
    headers: {
      ...asking,
      'Content-Type': 'application/offset+octet-stream',
      'Upload-Concat': 'partial',
      'Upload-Length': '10',
      'Upload-Metadata': metadata({ of: whole.split('/').at(-1)!, at: '50' }),
    },
    body: Buffer.alloc(10),
  })
  expect([put.status, put.headers.get('upload-offset')]).toEqual([201, '10'])
  const head = await fetch(whole, { method: 'HEAD', headers: asking })
  expect(head.headers.get('ferry-ahead')).toBe('50-60')
  for (const answer of [put, head]) {
    expect(answer.headers.get('access-control-allow-origin')).toBe(ALLOWED)
    expect(namesIn(answer, 'Access-Control-Expose-Headers')).toEqual(
      expect.arrayContaining(['upload-offset', 'ferry-ahead', 'upload-expires', 'retry-after']),
    )
  }
})

function namesIn({ headers }: Response, name: string): string[] {
  return (headers.get(name) ?? '').split(',').map((each) => each.trim().toLowerCase())
}

import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Server } from '#cli/server.js'
import { type Md5, parseMd5 } from '#src/contract.js'
import { FakeFerry, type Intercept } from '../../support/fake-ferry.js'

const md5 = parseMd5('5f6ad40f2d4013ac4aa429839c5207ad') as Md5
const claim = { md5, filename: '视频 1.mp4', size: 7 }
let fake: FakeFerry
let server: Server
beforeEach(async () => {
  fake = await FakeFerry.start()
  server = new Server(fake.url, new AbortController().signal)
})
afterEach(() => fake.stop())

function answer(status: number, headers: Record<string, string>, body = ''): Intercept {
  return (_request, response) => {
    response.writeHead(status, headers).end(body)
    return true
  }
}

describe('Server', () => {
  it('declares md5, name, size and its secret id when it creates an upload', async () => {
    const seen: Record<string, unknown> = {}
    fake.intercept = ({ headers }) => {
      Object.assign(seen, headers)
      return false
    }
    await server.create(claim, 'f'.repeat(32))
    const base64 = (text: string) => Buffer.from(text).toString('base64')
    expect(String(seen['upload-metadata']).split(',').toSorted()).toEqual([
      `client ${base64('f'.repeat(32))}`,
      `filename ${base64('视频 1.mp4')}`,
      `md5 ${base64(md5)}`,
    ])
    expect(seen).toMatchObject({ 'upload-length': '7', 'tus-resumable': '1.0.0' })
  })

  it('sends its id with /check, so that the server knows the owner', async () => {
    await server.create(claim, 'mine')
    expect(await server.check(md5, 'mine')).toEqual({
      status: 'uploading',
      offset: 0,
      size: 7,
      resumable: true,
    })
    expect(await server.check(md5, 'other')).toEqual({ status: 'uploading', offset: 0, size: 7 })
  })

  it.each([
    ['/tus/abc', '/tus/abc'],
    ['abc', '/tus/abc'],
    ['/prefix/tus/abc', '/tus/abc'],
    // The server behind a proxy knows another name for itself than we do.
    ['http://10.0.0.1:9000/tus/abc', '/tus/abc'],
  ])('finds the upload that the server calls %s', async (location, path) => {
    fake.intercept = answer(201, { location })
    expect(await server.create(claim, 'mine')).toBe(`${fake.url}${path}`)
  })

  it('keeps the path prefix of a server behind a proxy', async () => {
    fake.intercept = answer(201, { location: '/tus/abc' })
    const prefixed = new Server(`${fake.url}/ferry`, new AbortController().signal)
    expect(await prefixed.create(claim, 'mine')).toBe(`${fake.url}/ferry/tus/abc`)
    expect(fake.log).toEqual(['POST /ferry/tus'])
  })

  it('goes where another host has the upload', async () => {
    fake.intercept = answer(201, { location: 'https://other.example/uploads/abc' })
    expect(await server.create(claim, 'mine')).toBe('https://other.example/uploads/abc')
  })

  it.each([
    [
      423,
      '{"status":"uploading","offset":3,"size":7}',
      { code: 'uploading-elsewhere', facts: { offset: 3, size: 7 } },
    ],
    [423, 'locked', { code: 'server-trouble' }],
    [507, '', { code: 'disk-full', retryAfterMs: 7000 }],
    [502, '<html>', { code: 'server-trouble', facts: { status: 502, reason: '' } }],
    [429, 'slow down', { code: 'server-trouble', facts: { status: 429, reason: 'slow down' } }],
    [
      403,
      '{"status":"error","code":"x","message":"no"}',
      { code: 'refused', facts: { status: 403, reason: 'no' } },
    ],
    [403, '<html>', { code: 'refused', facts: { status: 403, reason: '' } }],
    [302, '<html>', { code: 'line-down', facts: { reason: 'HTTP 302' } }],
    [201, '', { code: 'line-down', facts: { reason: 'HTTP 201' } }],
  ])('understands HTTP %i %s at creation', async (status, body, error) => {
    await server.check(md5, 'mine')
    fake.intercept = answer(status, { 'retry-after': '7' }, body)
    await expect(server.create(claim, 'mine')).rejects.toMatchObject(error)
  })

  it('reads no endless answer', async () => {
    fake.intercept = (_request, response) => {
      response.writeHead(200)
      const more = () => {
        while (!response.destroyed && response.write(Buffer.alloc(65_536, 'x')));
      }
      response.on('drain', more)
      more()
      return true
    }
    await expect(server.check(md5, 'mine')).rejects.toMatchObject({ code: 'not-ferry' })
  })

  it('talks to servers on ports that browsers refuse', async () => {
    // 10080 is one of them. Nobody listens: that is the line's fault, and not the address's.
    const nobody = new Server('http://127.0.0.1:10080', new AbortController().signal)
    await expect(nobody.check(md5, 'mine')).rejects.toMatchObject({ facts: { reason: 'ECONNREFUSED' } })
  })

  it('gives up a question when the run is interrupted', async () => {
    fake.intercept = () => true
    const controller = new AbortController()
    const asking = new Server(fake.url, controller.signal).check(md5, 'mine')
    controller.abort(new Error('interrupted'))
    await expect(asking).rejects.toThrow('interrupted')
  })

  it.each([
    ['a tus server', { 'tus-resumable': '1.0.0' }, 'Maximum size exceeded', 'too-large'],
    ['a ferry server', {}, '{"status":"error","code":"too-large","message":"no"}', 'too-large'],
    ['a proxy', {}, '<html>413</html>', 'body-limit'],
    ['a proxy', {}, 'too much', 'body-limit'],
  ])('knows a 413 of %s from others (%j %s)', async (_who, headers, body, code) => {
    fake.intercept = answer(413, headers, body)
    await expect(server.create(claim, 'mine')).rejects.toMatchObject({ code })
    await expect(server.append(`${fake.url}/tus/1`, 0, Buffer.alloc(9))).rejects.toMatchObject({ code })
  })

  it.each([
    [200, '{"status":"notfound","possible":false}', false],
    [200, '{"status":"notfound","possible":true}', true],
    // An older server.
    [400, '{"status":"error","code":"bad-md5","message":"md5 must be"}', true],
  ])('asks by size whether something may be known (HTTP %i %s)', async (status, body, may) => {
    fake.intercept = answer(status, {}, body)
    expect(await server.mayHave(7)).toBe(may)
  })

  it.each([
    [200, '<html>welcome</html>', 'not-ferry'],
    [404, 'not found', 'not-ferry'],
    [503, 'busy', 'server-trouble'],
  ])('does not have a big file hashed for nobody (HTTP %i %s)', async (status, body, code) => {
    fake.intercept = answer(status, {}, body)
    await expect(server.mayHave(7)).rejects.toMatchObject({ code })
  })

  it.each(['check', 'create', 'mayHave'] as const)(
    'takes no stranger’s answer for the server’s after its first own (%s)',
    async (how) => {
      if (how === 'mayHave') fake.intercept = answer(200, {}, '{"status":"notfound","possible":true}')
      await {
        check: () => server.check(md5),
        create: () => server.create(claim, 'me'),
        mayHave: () => server.mayHave(7),
      }[how]()
      fake.intercept = answer(404, {}, '<html>wifi</html>')
      expect((await server.check(md5).catch((error: unknown) => error)) as object).not.toMatchObject({
        code: 'not-ferry',
      })
    },
  )

  it('knows that an upload is gone although nobody has said a word before', async () => {
    fake.intercept = answer(404, { 'tus-resumable': '1.0.0' })
    await expect(server.offset(`${fake.url}/tus/1`)).rejects.toMatchObject({ code: 'upload-gone' })
  })

  it('takes an upload back also when the run is interrupted', async () => {
    const interrupted = new Server(fake.url, AbortSignal.abort(new Error('interrupted')))
    await interrupted.terminate(`${fake.url}/tus/1`)
    expect(fake.log).toEqual(['DELETE /tus/1'])
  })
})

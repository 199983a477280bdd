import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ask, filePart, formBytes, post } from '../support/form.js'
import { TestServer } from '../support/server.js'
import { content, tus } from '../support/tus.js'

describe('/check', () => {
  let server: TestServer
  beforeAll(async () => {
    server = await TestServer.start({ env: { LEASE_SECONDS: '1' } })
  })
  afterAll(() => server.stop())

  const check = async (query: string, headers: Record<string, string> = {}) => {
    const { status, headers: got, body } = (await ask(server.url, `/check${query}`, { headers }))!
    expect(got['content-type']).toBe('application/json; charset=utf-8')
    return { status, reply: JSON.parse(body.toString()) as Record<string, unknown>, headers: got }
  }

  it('says notfound of what nobody has brought', async () => {
    expect(await check(`?md5=${content(1).md5}`)).toMatchObject({
      status: 200,
      reply: { status: 'notfound' },
    })
  })

  it('says exists, with link and size, of what is on the shelf, in upper case, too', async () => {
    const { bytes, md5 } = content(5000)
    await post(server.url, formBytes({ head: filePart('图.PNG'), body: bytes }))
    for (const asked of [md5, md5.toUpperCase()]) {
      expect(await check(`?md5=${asked}`)).toMatchObject({
        status: 200,
        reply: { status: 'exists', url: `${server.url}/files/${md5}.png`, size: 5000 },
      })
    }
  })

  it('says uploading while somebody brings it, and resumable to him alone', async () => {
    const { bytes, md5 } = content(5000)
    const created = await tus.create(server.url, 5000, { md5, client: 'mine' })
    const url = tus.location(server.url, created)
    await tus.patch(url, 0, bytes.subarray(0, 2000))
    const others = await check(`?md5=${md5}`, { 'ferry-client': 'yours' })
    expect(others).toMatchObject({ status: 200, reply: { status: 'uploading', offset: 2000, size: 5000 } })
    expect(others.reply['resumable']).toBeUndefined()
    expect((await check(`?md5=${md5.toUpperCase()}`, { 'ferry-client': 'mine' })).reply).toMatchObject({
      status: 'uploading',
      resumable: true,
    })
    await tus.terminate(url)
    expect((await check(`?md5=${md5}`)).reply).toEqual({ status: 'notfound' })
  })

  it('says notfound again of an upload that has been silent for a lease', async () => {
    const { md5 } = content(5000)
    await tus.create(server.url, 5000, { md5 })
    expect((await check(`?md5=${md5}`)).reply).toMatchObject({ status: 'uploading' })
    await expect
      .poll(async () => (await check(`?md5=${md5}`)).reply, { timeout: 10_000 })
      .toEqual({
        status: 'notfound',
      })
  })

  it('answers an error in JSON with 400 to an MD5 that is none, given twice or missing', async () => {
    const hash = 'a'.repeat(32)
    const queries = [
      '',
      '?',
      '?md5',
      '?md5=',
      '?md5=xyz',
      `?md5=${hash}0`,
      `?md5=${hash.slice(1)}`,
      `?md5=${hash}%00`,
      `?md5=${hash}&md5=${hash}`,
      `?md5[]=${hash}`,
      `?md5[a]=${hash}`,
      `?MD5=${hash}`,
      `?md5=${hash}%0a`,
      `?md5=%20${hash}`,
      '?md5=%',
      `?md5=${'g'.repeat(32)}`,
      '?md5=../../etc/passwd',
      `?md5=${'a'.repeat(8000)}`,
    ]
    for (const query of queries) {
      const { status, reply } = await check(query)
      expect(status, query).toBe(400)
      expect(reply, query).toMatchObject({ status: 'error', code: 'bad-md5' })
      expect(reply['message']).toMatch(/md5/)
    }
  })

  it('answers HEAD like GET, without a body', async () => {
    const known = content(1000)
    await post(server.url, formBytes({ body: known.bytes }))
    for (const [query, status] of [
      [`?md5=${known.md5}`, 200],
      ['?md5=bad', 400],
    ] as const) {
      const head = (await ask(server.url, `/check${query}`, { method: 'HEAD' }))!
      const whole = (await ask(server.url, `/check${query}`))!
      expect([head.status, head.body.length]).toEqual([status, 0])
      expect({ ...head.headers, date: '' }).toEqual({ ...whole.headers, date: '' })
    }
  })

  it('is never kept by anybody: the answer may be another in a moment', async () => {
    const { bytes, md5 } = content(1000)
    for (const wanted of ['notfound', 'exists']) {
      const { reply, headers } = await check(`?md5=${md5}`)
      expect([reply['status'], headers['cache-control'], headers['etag']]).toEqual([
        wanted,
        'no-store',
        undefined,
      ])
      await post(server.url, formBytes({ body: bytes }))
    }
  })
})

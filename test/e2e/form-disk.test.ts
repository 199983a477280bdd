import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { formBytes, post } from '../support/form.js'
import { TestServer } from '../support/server.js'
import { inject } from '../support/strace.js'
import { missing } from '../support/tools.js'
import { content } from '../support/tus.js'

describe.skipIf(missing('strace'))(`a form on a disk that fails${missing('strace')}`, () => {
  let server: TestServer
  beforeEach(async () => {
    server = await TestServer.start({ env: { UV_THREADPOOL_SIZE: '1' } })
  })
  afterEach(() => server.stop())

  it('is answered 503 where the shelf can not be looked at when its file begins, and the server goes on', async () => {
    const { bytes, md5 } = content(1000)
    const form = formBytes({ body: bytes })
    let detach = () => Promise.resolve()
    async function* halting() {
      yield form.subarray(0, 10)
      // The request is being read by now; meanwhile somebody else brings the same file.
      expect((await post(server.url, form)).reply).toMatchObject({ status: 'ok' })
      detach = await inject(server.pid, 'statx:error=EIO', { thread: server.pid })
      yield form.subarray(10)
    }
    const sent = await post(server.url, halting(), { query: { md5 } })
    await detach()
    expect(sent).toMatchObject({ status: 503, reply: { status: 'error', code: 'io-failed' } })
    expect(server.runs).toBe(true)
    await expect.poll(() => server.output).toMatch(/\[ERROR\] .* POST form failed: .*EIO/s)
    expect((await post(server.url, form, { query: { md5 } })).reply).toMatchObject({ status: 'exists' })
    expect(await server.inbox()).toEqual([])
  })
})

import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { TestServer } from '../support/server.js'
import { content, md5, stockUpload } from '../support/tus.js'

describe('the main job', () => {
  let server: TestServer
  beforeAll(async () => {
    server = await TestServer.start()
  })
  afterAll(() => server.stop())

  it('uploads a file, answers with its permanent link, and the link gives exactly that file', async () => {
    const file = content(5_000_000)
    expect(await check(file.md5)).toEqual({ status: 'notfound' })
    const { location } = await stockUpload(server.url, file.bytes, {
      metadata: { md5: file.md5, filename: 'a.mp4' },
    })
    expect(location).toBe(`${server.url}/files/${file.md5}.mp4`)
    const reply = await check(file.md5)
    expect(reply).toMatchObject({ status: 'exists', url: location })
    const got = await fetch(location!)
    expect(md5(Buffer.from(await got.arrayBuffer()))).toBe(file.md5)
    await expect.poll(() => server.inbox(), { timeout: 5000 }).toEqual([])
  })

  async function check(hash: string): Promise<unknown> {
    return (await fetch(`${server.url}/check?md5=${hash}`)).json()
  }
})

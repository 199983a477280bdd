import { open, readdir, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { adminJson } from '../support/admin.js'
import { pause, TestServer } from '../support/server.js'
import { content, stockUpload } from '../support/tus.js'

/** A round of about nine seconds. */
const DAYS = '0.0001'

let server: TestServer
afterEach(() => server.stop())

const check = async (hash: string) => (await fetch(`${server.url}/check?md5=${hash}`)).json()
const damage = async (md5: string) => {
  const file = await open(join(server.files, `${md5}.bin`), 'r+')
  await file.write('!', 50)
  await file.close()
}

/** What was written to this minute may still be on its way. */
const copyLongAgo = async (path: string, bytes: Uint8Array) => {
  await writeFile(path, bytes)
  await utimes(path, 1, 1)
}

describe('the scrub', () => {
  it('finds by itself a file that has changed on the disk, and no longer serves it', async () => {
    server = await TestServer.start({ env: { SCRUB_DAYS: DAYS } })
    const files = [content(1000), content(1000), content(1000)]
    for (const { bytes, md5 } of files) await stockUpload(server.url, bytes, { metadata: { md5 } })
    const [bad, ...good] = files as [(typeof files)[0], ...typeof files]
    await damage(bad.md5)
    await expect
      .poll(() => check(bad.md5), { timeout: 40_000, interval: 200 })
      .toEqual({ status: 'notfound' })
    expect((await fetch(`${server.url}/files/${bad.md5}.bin`)).status).toBe(404)
    await expect.poll(() => server.output).toContain(`${bad.md5}.bin is not what its name says`)
    expect(await readdir(join(server.files, '.quarantine'))).toHaveLength(1)
    for (const { md5 } of good) expect(await check(md5)).toMatchObject({ status: 'exists' })
  })

  it('reads first what only its name vouches for', async () => {
    server = await TestServer.start({ env: { SCRUB_DAYS: '30' } })
    const good = content(1000)
    const bad = content(1000)
    await writeFile(join(server.files, `${good.md5}.bin`), good.bytes)
    await copyLongAgo(join(server.files, `${bad.md5}.bin`), Buffer.alloc(1000, 1))
    await server.kill()
    await server.start()
    await expect.poll(() => check(bad.md5), { timeout: 20_000 }).toEqual({ status: 'notfound' })
    await expect
      .poll(() => adminJson(server, 'list'), { timeout: 20_000 })
      .toMatchObject([{ md5: good.md5, verified: true, size: 1000 }])
  })

  it('goes on where a wrong file can not be moved away, and does not serve it', async () => {
    server = await TestServer.start({ env: { SCRUB_DAYS: '30' } })
    const [bad, good] = [content(1000), content(1000)].toSorted((a, b) => (a.md5 < b.md5 ? -1 : 1))
    await writeFile(join(server.files, '.quarantine'), 'a file, where the folder should be')
    await copyLongAgo(join(server.files, `${bad!.md5}.bin`), Buffer.alloc(1000, 1))
    await copyLongAgo(join(server.files, `${good!.md5}.bin`), good!.bytes)
    await server.kill()
    await server.start()
    await expect
      .poll(() => adminJson(server, 'list'), { timeout: 20_000 })
      .toMatchObject([{ md5: good!.md5, verified: true }])
    expect(await check(bad!.md5)).toEqual({ status: 'notfound' })
    await expect
      .poll(() => server.output)
      .toMatch(new RegExp(`${bad!.md5}.bin is not what its name says.*see to it yourself`))
  })

  it('goes on where it was after a restart', async () => {
    server = await TestServer.start({ env: { SCRUB_DAYS: '0.0003' } })
    const files = Array.from({ length: 24 }, () => content(100)).toSorted((a, b) => (a.md5 < b.md5 ? -1 : 1))
    for (const { bytes, md5 } of files) await stockUpload(server.url, bytes, { metadata: { md5 } })
    const progress = async () => (await adminJson(server, 'stat'))[0]!['scrubbed'] as number
    await expect.poll(progress, { timeout: 40_000, interval: 300 }).toBeGreaterThan(30)
    await server.kill()
    const before = await progress()
    await damage(files[0]!.md5)
    await server.start({ SCRUB_DAYS: '30' })
    await pause(2500)
    expect(await progress()).toBeGreaterThanOrEqual(before)
    expect(await check(files[0]!.md5)).toMatchObject({ status: 'exists' })
  })

  it('is off with SCRUB_DAYS=0', async () => {
    server = await TestServer.start({ env: { SCRUB_DAYS: '0' } })
    const bad = content(1000)
    await writeFile(join(server.files, `${bad.md5}.bin`), Buffer.alloc(1000, 1))
    await server.kill()
    await server.start()
    await pause(3000)
    expect(await check(bad.md5)).toMatchObject({ status: 'exists' })
  })
})

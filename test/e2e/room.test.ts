import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { admin } from '../support/admin.js'
import { post, formBytes } from '../support/form.js'
import { mountTmpfs, mountTrouble, type Mounted } from '../support/mount.js'
import { Line } from '../support/proxy.js'
import { pause, TestServer } from '../support/server.js'
import { content, md5, offsetOf, stockUpload, tus } from '../support/tus.js'

const MIB = 1024 * 1024

describe.skipIf(mountTrouble())(`the room on the disk${mountTrouble()}`, () => {
  let disk: Mounted
  let server: TestServer
  beforeEach(async () => {
    disk = await mountTmpfs('size=64m')
    server = await TestServer.start({ dir: disk.dir, env: { MIN_FREE: '16MB' } })
  })
  afterEach(async () => {
    await server.stop().catch(() => undefined) // the mount point itself can't be removed
    await disk.unmount()
  })
  const fill = (bytes: number) => writeFile(join(disk.dir, 'ballast'), Buffer.alloc(bytes))
  const clear = () => rm(join(disk.dir, 'ballast'))

  it('is promised once: what open uploads have yet to send is not given to others', async () => {
    const first = tus.location(server.url, await tus.create(server.url, 30 * MIB))
    expect((await tus.create(server.url, 30 * MIB)).status).toBe(507)
    expect((await tus.create(server.url, 5 * MIB)).status).toBe(201)
    await tus.terminate(first)
    expect((await tus.create(server.url, 30 * MIB)).status).toBe(201)
  })

  it('is promised once to many that ask at the same time', async () => {
    const answers = await Promise.all(Array.from({ length: 8 }, () => tus.create(server.url, 15 * MIB)))
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(3)
    expect(answers.filter(({ status }) => status === 507)).toHaveLength(5)
  })

  it('is not given to an upload that declares its size only later, where there is not so much', async () => {
    const url = tus.location(server.url, await tus.create(server.url, undefined))
    const refused = await tus.patch(url, 0, Buffer.alloc(1000), { 'Upload-Length': String(10 ** 15) })
    expect(refused.status).toBe(507)
    expect((await tus.create(server.url, 30 * MIB)).status).toBe(201)
    expect((await tus.patch(url, 0, Buffer.alloc(1000), { 'Upload-Length': '1000' })).status).toBe(204)
  })

  it('is still promised after a restart', async () => {
    await tus.create(server.url, 30 * MIB)
    await server.kill()
    await server.start()
    expect((await tus.create(server.url, 30 * MIB)).status).toBe(507)
  })

  it('has a floor: below it nothing new comes in, while checks, downloads and deletes go on', async () => {
    const stored = content(MIB)
    await stockUpload(server.url, stored.bytes, { metadata: { md5: stored.md5 } })
    await fill(50 * MIB)
    for (const size of [1000, undefined]) {
      const refused = await tus.create(server.url, size)
      expect(refused.status).toBe(507)
      expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0)
      expect(await refused.json()).toMatchObject({ status: 'error', code: 'disk-full' })
    }
    const form = await post(server.url, formBytes({ body: 'x' }))
    expect(form).toMatchObject({ status: 507, reply: { code: 'disk-full' } })
    expect(await server.inbox()).toEqual([])
    const known = await tus.create(server.url, MIB, { md5: stored.md5 })
    expect(known.status).toBe(201)
    expect((await fetch(`${server.url}/check?md5=${stored.md5}`)).status).toBe(200)
    expect((await fetch(`${server.url}/files/${stored.md5}.bin`)).status).toBe(200)
    const ready = async () => (await fetch(`${server.url}/readyz`)).status
    await expect.poll(ready, { timeout: 5000 }).toBe(503)
    expect((await admin(server, 'delete', stored.md5)).code).toBe(0)
    await clear()
    await expect.poll(ready, { timeout: 5000 }).toBe(200)
  })

  it('runs out under an upload that is under way: it pauses with 507 and goes on when there is room again', async () => {
    const file = content(20 * MIB)
    const line = await Line.to(server.port)
    line.upRate = 8 * MIB
    const url = tus.location(server.url, await tus.create(server.url, file.bytes.length, { md5: file.md5 }))
    const sending = tus.patch(`http://${line.address}${new URL(url).pathname}`, 0, file.bytes)
    await expect.poll(() => offsetOf(url), { timeout: 20_000 }).toBeGreaterThan(4 * MIB)
    await fill(40 * MIB)
    const answer = await sending
    expect(answer.status).toBe(507)
    expect(await answer.json()).toMatchObject({ code: 'disk-full' })
    const paused = await offsetOf(url)
    expect(paused).toBeGreaterThan(4 * MIB)
    expect((await tus.patch(url, paused, file.bytes.subarray(paused))).status).toBe(507)
    expect(await offsetOf(url)).toBe(paused)
    await clear()
    await pause(300)
    expect((await tus.patch(url, paused, file.bytes.subarray(paused))).status).toBe(204)
    const got = Buffer.from(await (await fetch(`${server.url}/files/${file.md5}.bin`)).arrayBuffer())
    expect(md5(got)).toBe(file.md5)
    await line.close()
  })
})

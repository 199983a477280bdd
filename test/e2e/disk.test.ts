import { readdir, readFile, rm, statfs, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { Ballast } from '../support/ballast.js'
import { mountTmpfs, mountTrouble, type Mounted } from '../support/mount.js'
import { pause, TestServer } from '../support/server.js'
import { inject } from '../support/strace.js'
import { missing } from '../support/tools.js'
import { content, md5, offsetOf, stockUpload, tus } from '../support/tus.js'

const MIB = 1024 * 1024

describe.skipIf(mountTrouble())(`a full disk${mountTrouble()}`, () => {
  let disk: Mounted
  let server: TestServer
  afterEach(async () => {
    await server.stop().catch(() => undefined) // the mount point itself can't be removed
    await disk.unmount()
  })

  it('is said with 507, and the upload goes on from where it was once there is room', async () => {
    disk = await mountTmpfs('size=24m')
    await writeFile(join(disk.dir, 'ballast'), Buffer.alloc(8 * MIB))
    server = await TestServer.start({ dir: disk.dir })
    const file = content(14 * MIB)
    const url = tus.location(server.url, await tus.create(server.url, undefined, { md5: file.md5 }))
    await writeFile(join(disk.dir, 'ballast2'), Buffer.alloc(6 * MIB))
    const response = await tus.patch(url, 0, file.bytes)
    expect(response.status).toBe(507)
    expect(await response.json()).toMatchObject({ status: 'error', code: 'disk-full' })
    await rm(join(disk.dir, 'ballast2'))
    await rm(join(disk.dir, 'ballast'))
    const offset = await offsetOf(url)
    const done = await tus.patch(url, offset, file.bytes.subarray(offset), {
      'Upload-Length': String(14 * MIB),
    })
    expect(done.status).toBe(204)
    expect(md5(await readFile(join(server.files, `${file.md5}.bin`)))).toBe(file.md5)
    await expect.poll(() => server.inbox(), { timeout: 5000 }).toEqual([])
  })

  it('is said with 507 to a form, of which nothing stays; what is stored can still be fetched', async () => {
    disk = await mountTmpfs('size=16m')
    server = await TestServer.start({ dir: disk.dir })
    const small = content(MIB)
    await stockUpload(server.url, small.bytes)
    const { bavail, bsize } = await statfs(disk.dir)
    const form = new FormData()
    form.append('file', new Blob([new Uint8Array(bavail * bsize + MIB)]), 'big.bin')
    const response = await fetch(`${server.url}/upload`, { method: 'POST', body: form })
    expect(response.status).toBe(507)
    expect(await response.json()).toMatchObject({ status: 'error', code: 'disk-full' })
    await expect.poll(() => server.inbox(), { timeout: 5000 }).toEqual([])
    expect((await fetch(`${server.url}/files/${small.md5}.bin`)).status).toBe(200)
  })

  it('does not keep the server from starting, though the ledger can not be told what a kill has left', async () => {
    disk = await mountTmpfs('size=16m')
    server = await TestServer.start({ dir: disk.dir })
    const stored = content(MIB)
    await stockUpload(server.url, stored.bytes)
    const unknown = content(1000)
    await writeFile(join(server.files, `${unknown.md5}.bin`), unknown.bytes)
    await (await Ballast.on(disk.dir)).takeRoom()
    await server.kill()
    await server.start()
    expect((await fetch(`${server.url}/files/${stored.md5}.bin`)).status).toBe(200)
  })

  it('does not keep the server from starting, though others have taken all room while it was stopped', async () => {
    disk = await mountTmpfs('size=16m')
    server = await TestServer.start({ dir: disk.dir })
    const stored = content(MIB)
    await stockUpload(server.url, stored.bytes)
    await server.terminate()
    for (const file of ['ledger.db-shm', 'ledger.db-wal'])
      await rm(join(server.files, '.ledger', file), { force: true })
    const ballast = await Ballast.on(disk.dir)
    await ballast.takeRoom()
    await server.start()
    expect((await fetch(`${server.url}/files/${stored.md5}.bin`)).status).toBe(200)
    await ballast.give()
    await server.terminate()
    await server.start()
    expect(await readdir(join(server.files, '.ledger'))).toContain('spare')
  })

  it('ends with the uploads that nobody goes on with: they expire, though the ledger has no room either', async () => {
    disk = await mountTmpfs('size=16m')
    server = await TestServer.start({ dir: disk.dir, env: { TMP_TTL_HOURS: '0.001' } })
    const url = tus.location(server.url, await tus.create(server.url, undefined))
    await tus.patch(url, 0, content(8 * MIB).bytes)
    await (await Ballast.on(disk.dir)).takeRoom()
    await expect.poll(() => server.inbox(), { timeout: 20_000 }).toEqual([])
    expect((await tus.head(url)).status).toBe(410)
    await stockUpload(server.url, content(4 * MIB).bytes)
  })
})

describe.skipIf(missing('strace'))(`a disk that stalls${missing('strace')}`, () => {
  let server: TestServer
  afterEach(() => server.stop())

  it('has nobody told of an error before all that came is safe, and nobody else write meanwhile', async () => {
    server = await TestServer.start({ env: { UV_THREADPOOL_SIZE: '1', MAX_SIZE: '8MB' } })
    const url = tus.location(server.url, await tus.create(server.url, undefined))
    const detach = await inject(server.pid, 'fdatasync:delay_enter=1500000')
    const body = new Blob([content(12 * MIB).bytes]).stream()
    expect((await tus.patch(url, 0, body)).status).toBe(413)
    const offset = await offsetOf(url)
    await pause(2500)
    expect(await offsetOf(url)).toBe(offset)
    expect(offset).toBeGreaterThan(4 * MIB)
    await detach()
  })
})

describe.skipIf(missing('strace'))(`a file system without hard links${missing('strace')}`, () => {
  it('stores files all the same, each of them once and whole', async () => {
    const server = await TestServer.start()
    const detach = await inject(server.pid, 'link,linkat:error=EPERM')
    try {
      const file = content(5 * MIB)
      const names = ['a.mp4', 'b.mp4', 'c.mp4']
      await Promise.all(
        names.map((filename) => stockUpload(server.url, file.bytes, { metadata: { filename } })),
      )
      expect(await server.shelf()).toEqual([`${file.md5}.mp4`])
      expect(md5(await readFile(join(server.files, `${file.md5}.mp4`)))).toBe(file.md5)
      await expect.poll(() => server.inbox(), { timeout: 5000 }).toEqual([])
    } finally {
      await detach()
      await server.stop()
    }
  })

  it('never overwrites a file of that name; one of another size is put aside', async () => {
    const server = await TestServer.start()
    const detach = await inject(server.pid, 'link,linkat:error=EPERM')
    try {
      const file = content(1000)
      await writeFile(join(server.files, `${file.md5}.mp4`), 'half a co')
      await stockUpload(server.url, file.bytes, { metadata: { filename: 'a.mp4' } })
      expect(md5(await readFile(join(server.files, `${file.md5}.mp4`)))).toBe(file.md5)
      const [aside] = await readdir(join(server.files, '.quarantine'))
      expect(await readFile(join(server.files, '.quarantine', aside!), 'utf8')).toBe('half a co')
    } finally {
      await detach()
      await server.stop()
    }
  })
})

describe.skipIf(missing('strace'))(`a disk that fails${missing('strace')}`, () => {
  let server: TestServer
  afterEach(() => server.stop())
  const start = async () => {
    server = await TestServer.start({ env: { UV_THREADPOOL_SIZE: '1' } })
    const file = content(300_000)
    const url = tus.location(server.url, await tus.create(server.url, 300_000, { md5: file.md5 }))
    await tus.patch(url, 0, file.bytes.subarray(0, 200_000))
    return { file, url }
  }
  const sendRest = (url: string, bytes: Buffer) => tus.patch(url, 200_000, bytes.subarray(200_000))

  it('is never asked twice to sync the same data: the upload ends with 503, and a new one succeeds', async () => {
    const { file, url } = await start()
    const detach = await inject(server.pid, 'fsync:error=EIO:when=1')
    const failed = await sendRest(url, file.bytes)
    await detach()
    expect(failed.status).toBe(503)
    expect(await failed.json()).toMatchObject({ status: 'error', code: 'sync-failed' })
    expect((await tus.head(url)).status).toBe(404)
    await expect.poll(() => server.inbox(), { timeout: 5000 }).toEqual([])
    expect(await server.shelf()).toEqual([])
    await stockUpload(server.url, file.bytes, { metadata: { md5: file.md5 } })
    expect(md5(await readFile(join(server.files, `${file.md5}.bin`)))).toBe(file.md5)
  })

  it.each(['openat', 'pwrite64', 'link'])(
    'on %s costs the request a 503 and the upload nothing: it goes on and finishes',
    async (call) => {
      const { file, url } = await start()
      let failures = 0
      for (let strike = 1; strike <= 4; strike++) {
        const detach = await inject(server.pid, `${call}:error=EIO:when=${strike}`)
        const answer = await sendRest(url, file.bytes)
        await detach()
        if (answer.status === 204) break
        failures++
        expect(answer.status).toBe(503)
        const offset = await offsetOf(url)
        expect(offset).toBeGreaterThanOrEqual(200_000)
        expect(offset).toBeLessThan(300_000) // nobody sees offset = length before the content is stored
        if (offset > 200_000) {
          expect((await tus.patch(url, offset, file.bytes.subarray(offset))).status).toBe(204)
          break
        }
      }
      expect(failures).toBeGreaterThan(0)
      expect(await (await fetch(`${server.url}/check?md5=${file.md5}`)).json()).toMatchObject({
        status: 'exists',
      })
      expect(md5(await readFile(join(server.files, `${file.md5}.bin`)))).toBe(file.md5)
      await expect.poll(() => server.inbox(), { timeout: 5000 }).toEqual([])
    },
  )

  it('that can’t say how long the part is has not failed to sync it, either', async () => {
    const { file, url } = await start()
    const detach = await inject(server.pid, 'statx:error=EIO:when=3') // after those of opening the part, for bytes and at the end
    const failed = await sendRest(url, file.bytes)
    await detach()
    expect(await failed.json()).toMatchObject({ status: 'error', code: 'io-failed' })
    expect(await offsetOf(url)).toBe(299_999)
    expect((await tus.patch(url, 299_999, file.bytes.subarray(299_999))).status).toBe(204)
    expect(md5(await readFile(join(server.files, `${file.md5}.bin`)))).toBe(file.md5)
  })

  it('that can’t even open a folder has not failed to sync it: the upload goes on and finishes', async () => {
    const { file, url } = await start()
    const detach = await inject(server.pid, 'openat:error=EIO:when=3') // after the part's, for bytes and for its sync
    const failed = await sendRest(url, file.bytes)
    await detach()
    expect(failed.status).toBe(503)
    expect(await failed.json()).toMatchObject({ status: 'error', code: 'io-failed' })
    expect(await offsetOf(url)).toBe(299_999)
    expect((await tus.patch(url, 299_999, file.bytes.subarray(299_999))).status).toBe(204)
    expect(md5(await readFile(join(server.files, `${file.md5}.bin`)))).toBe(file.md5)
    await expect.poll(() => server.inbox(), { timeout: 5000 }).toEqual([])
  })

  it('when the ledger is read costs that moment at most: it is read again by a fresh connection', async () => {
    const { file, url } = await start()
    const stored = content(1000)
    await stockUpload(server.url, stored.bytes)
    await tus.patch(url, 200_000, file.bytes.subarray(200_000, 250_000)) // a commit, so that reading means the disk
    const detach = await inject(server.pid, 'pread64:error=EIO:when=1', { thread: server.pid })
    await fetch(`${server.url}/check?md5=${stored.md5}`)
    await detach()
    expect(await (await fetch(`${server.url}/check?md5=${stored.md5}`)).json()).toMatchObject({
      status: 'exists',
    })
    expect((await tus.patch(url, 250_000, file.bytes.subarray(250_000))).status).toBe(204)
  })

  it('keeps serving what is stored', async () => {
    const { file, url } = await start()
    const stored = content(1000)
    await stockUpload(server.url, stored.bytes)
    const detach = await inject(server.pid, 'fsync:error=EIO')
    expect((await sendRest(url, file.bytes)).status).toBe(503)
    expect((await fetch(`${server.url}/files/${stored.md5}.bin`)).status).toBe(200)
    await detach()
  })
})

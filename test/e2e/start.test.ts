import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { closeSync, existsSync, openSync, readFileSync } from 'node:fs'
import { chmod, mkdtemp, mkdir, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { freePort, MAIN, pause, TestServer } from '../support/server.js'
import { content, stockUpload, tus } from '../support/tus.js'

const isRoot = process.getuid?.() === 0

/** Why the test of low ports can't run here, to be put behind its title. */
function lowPortTrouble(): string {
  if (!isRoot) return ' (skipped: needs root)'
  const first = '/proc/sys/net/ipv4/ip_unprivileged_port_start'
  const everybody = existsSync(first) && Number(readFileSync(first, 'utf8')) <= 80
  return everybody ? ' (skipped: this system gives low ports to everybody)' : ''
}

describe('a server that can not start', () => {
  let dir: string
  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'ferry-start-'))
  })
  afterEach(() => rm(dir, { recursive: true, force: true }))

  /** Runs the server in an empty folder until it gives up. */
  const run = (env: Record<string, string> = {}, uid?: number) =>
    spawnSync(process.execPath, [MAIN], {
      cwd: dir,
      env: { PATH: process.env['PATH'], FERRY_LANG: 'en', ...env },
      encoding: 'utf8',
      timeout: 20_000,
      ...(uid === undefined ? {} : { uid, gid: uid }),
    })
  const expectOneLine = (result: ReturnType<typeof run>, ...words: string[]) => {
    expect(result.status).toBe(1)
    expect(result.stderr.trim().split('\n')).toHaveLength(1)
    for (const word of words) expect(result.stderr).toContain(word)
    expect(result.stderr).not.toMatch(/\n\s+at /)
  }

  it('names every bad value of its configuration, each in a line, and exits with 2', () => {
    const result = run({
      HOST: 'http://example.com',
      HTTP_PORT: '70000',
      MAX_SIZE: 'much',
      TMP_TTL_HOURS: '-1',
      LEASE_SECONDS: '0',
      LOG_FORMAT: 'xml',
      PUBLIC_URL: 'ftp://x',
      BIND: 'a b',
    })
    expect(result.status).toBe(2)
    const lines = result.stderr.trim().split('\n')
    expect(lines).toHaveLength(8)
    for (const key of [
      'HOST',
      'HTTP_PORT',
      'MAX_SIZE',
      'TMP_TTL_HOURS',
      'LEASE_SECONDS',
      'LOG_FORMAT',
      'PUBLIC_URL',
      'BIND',
    ]) {
      expect(lines.filter((line) => line.startsWith(`[ERROR] ${key}: `))).toHaveLength(1)
    }
  })

  it('says in one line that its port is in use, and what to do', async () => {
    const other = createServer().listen(0, '0.0.0.0')
    await once(other, 'listening')
    const { port } = other.address() as { port: number }
    expectOneLine(run({ HTTP_PORT: String(port) }), `Port ${port} is in use`, 'HTTP_PORT')
    other.close()
  })

  it('says in one line that its address is none of this machine', async () => {
    expectOneLine(
      run({ HTTP_PORT: String(await freePort()), BIND: '192.0.2.77' }),
      'no address 192.0.2.77',
      'BIND',
    )
  })

  it('says in one line that a folder is no folder', async () => {
    await writeFile(join(dir, 'files'), '')
    expectOneLine(run(), join(dir, 'files'), 'FILES_DIR')
  })

  it.skipIf(!isRoot)(
    `says in one line that a folder can not be written${isRoot ? '' : ' (skipped: needs root)'}`,
    async () => {
      await mkdir(join(dir, 'files'))
      await mkdir(join(dir, 'tmp'))
      await chmod(dir, 0o755)
      expectOneLine(run({ HTTP_PORT: String(await freePort()) }, 65_534), 'FILES_DIR', 'EACCES')
    },
  )

  it.skipIf(lowPortTrouble())(
    `says in one line that it has no right to a low port${lowPortTrouble()}`,
    async () => {
      await chmod(dir, 0o777)
      expectOneLine(run({ HTTP_PORT: '80' }, 65_534), 'right to listen on port 80')
    },
  )

  it.skipIf(!isRoot)(
    `says in one line that shelf and inbox are on different file systems${isRoot ? '' : ' (skipped: needs root)'}`,
    async () => {
      await mkdir(join(dir, 'tmp'))
      expect(spawnSync('mount', ['-t', 'tmpfs', 'tmpfs', join(dir, 'tmp')]).status).toBe(0)
      try {
        expectOneLine(run(), 'different file systems', 'FILES_DIR', 'TMP_DIR')
      } finally {
        spawnSync('umount', [join(dir, 'tmp')])
      }
    },
  )
})

describe('a server that starts', () => {
  it('knows 100,000 files within five seconds, in less than 200 MB, be it for the first time or again', async () => {
    const dir = await mkdtemp(join(tmpdir(), 'ferry-many-'))
    await mkdir(join(dir, 'files'))
    for (let number = 0; number < 100_000; number++) {
      const name = createHash('md5').update(String(number)).digest('hex')
      closeSync(openSync(join(dir, 'files', `${name}.bin`), 'w'))
    }
    const begun = performance.now()
    const server = await TestServer.start({ dir, env: { SCRUB_DAYS: '0' } })
    expect((await fetch(`${server.url}/check?md5=${'0'.repeat(32)}`)).status).toBe(200)
    expect(performance.now() - begun).toBeLessThan(5000)
    await server.kill()
    const again = performance.now()
    await server.start()
    expect((await fetch(`${server.url}/check?md5=${'0'.repeat(32)}`)).status).toBe(200)
    expect(performance.now() - again).toBeLessThan(5000)
    expect(server.output).toMatch(/Shelf read: 100000 file.*Shelf read: 100000 file/s)
    const status = readFileSync(`/proc/${server.pid}/status`, 'utf8')
    expect(Number(/VmHWM:\s+(\d+) kB/.exec(status)![1])).toBeLessThan(200_000)
    await server.stop()
  })

  it.each([
    ['its folders', {}, 'tmp'],
    ['its inbox, be the shelf another', { FILES_DIR: 'other' }, 'tmp'],
    ['its shelf, be the inbox another', { TMP_DIR: 'other' }, 'files'],
  ])('keeps a second one off %s, and what it is receiving stays whole', async (_, env, inUse) => {
    const server = await TestServer.start()
    const file = content(300_000)
    const url = tus.location(server.url, await tus.create(server.url, 300_000, { md5: file.md5 }))
    await tus.patch(url, 0, file.bytes.subarray(0, 200_000))
    const second = spawnSync(process.execPath, [MAIN], {
      cwd: server.dir,
      env: { PATH: process.env['PATH'], FERRY_LANG: 'en', HTTP_PORT: String(await freePort()), ...env },
      encoding: 'utf8',
      timeout: 20_000,
    })
    expect(second.stderr).toContain(`Another Ferry is using the folder ${join(server.dir, inUse)};`)
    expect(second.status).toBe(1)
    expect((await tus.patch(url, 200_000, file.bytes.subarray(200_000))).status).toBe(204)
    // What the second one had taken before it gave up is free again, and so is what the first one had.
    await server.terminate()
    for (const theirs of [env, {}]) {
      const next = await TestServer.start({ dir: server.dir, env: theirs })
      await next.terminate()
    }
    await server.start()
    expect(await (await fetch(`${server.url}/check?md5=${file.md5}`)).json()).toMatchObject({
      status: 'exists',
    })
    await server.stop()
  })

  it('works where shelf and inbox are one folder', async () => {
    const server = await TestServer.start({ env: { FILES_DIR: 'both', TMP_DIR: 'both' } })
    const file = content(1000)
    await stockUpload(server.url, file.bytes)
    expect((await fetch(`${server.url}/files/${file.md5}.bin`)).status).toBe(200)
    await server.stop()
  })

  it('prints the documented lines, in Chinese unless the locale is English', async () => {
    const server = await TestServer.start({ env: { FERRY_LANG: '', LANG: 'C.UTF-8', HOST: '43.229.212.58' } })
    await expect
      .poll(() => server.output)
      .toContain(
        `[INFO] HTTP 服务启动: 0.0.0.0:${server.port} (外网访问使用 HOST=43.229.212.58)\n[INFO] 初始化已知文件映射，记录 0 个文件\n`,
      )
    await server.stop()
    const english = await TestServer.start({
      env: { FERRY_LANG: '', LC_ALL: 'en_US.UTF-8', LANG: 'zh_CN.UTF-8' },
    })
    await expect.poll(() => english.output).toContain('[INFO] HTTP service started')
    await english.stop()
  })

  it('tells the addresses that others could use where HOST is this machine only', async () => {
    const server = await TestServer.start({ env: { HOST: '127.0.0.1' } })
    await expect.poll(() => server.output).toMatch(/HOST=127\.0\.0\.1 works on this machine only/)
    await server.stop()
  })

  it('reads .env with comments, and lets the environment win', async () => {
    const dir = await mkdtemp(join(tmpdir(), 'ferry-env-'))
    await writeFile(
      join(dir, '.env'),
      'HOST=1.2.3.4   # public address\nHTTP_PORT=1\nFILES_DIR="my files"\nTMP_DIR=my-tmp\n',
    )
    const server = await TestServer.start({ dir })
    await expect.poll(() => server.output).toContain(`0.0.0.0:${server.port} (public address HOST=1.2.3.4)`)
    const file = content(100)
    const { location } = await stockUpload(server.url, file.bytes)
    expect(location).toBe(`http://1.2.3.4:${server.port}/files/${file.md5}.bin`)
    expect((await fetch(`${server.url}/files/${file.md5}.bin`)).status).toBe(200)
    await server.stop()
  })

  it('hands out PUBLIC_URL behind a proxy, in every URL', async () => {
    const server = await TestServer.start({ env: { PUBLIC_URL: 'https://files.example.com/ferry/' } })
    const file = content(100)
    const created = await tus.create(server.url, 100, { md5: file.md5 })
    const location = created.headers.get('location')!
    expect(location).toMatch(/^https:\/\/files\.example\.com\/ferry\/tus\/[0-9a-f]{32}$/)
    const done = await tus.patch(`${server.url}/tus/${location.split('/').at(-1)!}`, 0, file.bytes)
    const link = `https://files.example.com/ferry/files/${file.md5}.bin`
    expect(done.headers.get('content-location')).toBe(link)
    expect(await (await fetch(`${server.url}/check?md5=${file.md5}`)).json()).toMatchObject({ url: link })
    await server.stop()
  })

  it('writes an IPv6 host in brackets', async () => {
    const server = await TestServer.start({ env: { HOST: '2001:db8::1' } })
    const file = content(100)
    const { location } = await stockUpload(server.url, file.bytes)
    expect(location).toBe(`http://[2001:db8::1]:${server.port}/files/${file.md5}.bin`)
    await server.stop()
  })

  it('writes its log as JSON, one object a line, when asked', async () => {
    const server = await TestServer.start({ env: { LOG_FORMAT: 'json' } })
    const file = content(100)
    await stockUpload(server.url, file.bytes, { metadata: { filename: 'a\nb.mp4' } })
    await server.terminate()
    const lines = server.output
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>)
    expect(lines.find(({ file: name }) => name === `${file.md5}.mp4`)).toMatchObject({
      level: 'info',
      size: 100,
    })
    await server.stop()
  })

  it('warns when the disk has less room than MIN_FREE: no upload would be taken', async () => {
    const server = await TestServer.start({ env: { MIN_FREE: '4000TB' } })
    await expect
      .poll(() => server.output)
      .toMatch(/less than MIN_FREE \(4194304000 MiB\).*set a smaller MIN_FREE/)
    expect((await tus.create(server.url, 10)).status).toBe(507)
    await server.stop()
  })

  it('refuses files that are larger than MAX_SIZE at their creation', async () => {
    const server = await TestServer.start({ env: { MAX_SIZE: '1KB' } })
    expect((await tus.create(server.url, 1025)).status).toBe(413)
    expect((await tus.create(server.url, 1024)).status).toBe(201)
    const deferred = tus.location(server.url, await tus.create(server.url, undefined))
    expect((await tus.patch(deferred, 0, Buffer.alloc(2000))).status).toBe(413)
    await server.stop()
  })

  it('refuses a file that the disk has no room for at its creation, with 507', async () => {
    const server = await TestServer.start()
    const response = await tus.create(server.url, Number.MAX_SAFE_INTEGER - 1)
    expect(response.status).toBe(507)
    expect(await response.json()).toMatchObject({ status: 'error', code: 'disk-full' })
    await expect.poll(() => server.inbox(), { timeout: 5000 }).toEqual([])
    await server.stop()
  })

  it('leaves at once on a second signal', async () => {
    const server = await TestServer.start()
    const hanging = fetch(`${server.url}/upload`, {
      method: 'POST',
      headers: { 'Content-Type': 'multipart/form-data; boundary=x' },
      body: new ReadableStream({ pull: () => new Promise(() => undefined) }),
      duplex: 'half',
    }).catch(() => undefined)
    await pause(200)
    process.kill(server.pid, 'SIGTERM')
    await pause(100)
    const begun = performance.now()
    process.kill(server.pid, 'SIGTERM')
    await server.exited()
    expect(performance.now() - begun).toBeLessThan(2000)
    await hanging
    await server.stop()
  })
})

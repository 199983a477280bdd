import { randomInt } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ClientHome, type Outcome } from '../support/client.js'
import { FakeFerry } from '../support/fake-ferry.js'
import { Line } from '../support/proxy.js'
import { TestServer, pause } from '../support/server.js'
import { content, md5, tus } from '../support/tus.js'

const MIB = 1024 * 1024

describe('the client on a bad line', () => {
  let server: TestServer
  let home: ClientHome
  let line: Line
  beforeAll(async () => {
    server = await TestServer.start()
    home = await ClientHome.create()
    line = await Line.to(server.port)
  })
  afterAll(() => Promise.all([line.close(), server.stop(), home.remove()]))

  async function newFile(name: string, size: number): Promise<{ path: string; bytes: Buffer; md5: string }> {
    const file = content(size)
    return { ...file, path: await home.write(name, file.bytes) }
  }

  async function expectStored(file: { md5: string }, { code, lines, stderr }: Outcome): Promise<void> {
    const url = `${server.url}/files/${file.md5}.bin`
    expect({ code, last: lines.at(-1), stderr }).toMatchObject({
      code: 0,
      last: `[SUCCESS] 上传结果: ${url}`,
    })
    expect(md5(Buffer.from(await (await fetch(url)).arrayBuffer()))).toBe(file.md5)
  }

  it('goes on from the server’s offset after the client was killed, at random points, again and again', async () => {
    const file = await newFile('killed.bin', 64 * MIB)
    line.up = 0
    line.upRate = 10 * MIB
    const kills = 4
    for (let kill = 0; kill < kills; kill++) {
      const client = home.start(['-file', file.path, '-server', line.address])
      await client.until(/开始上传/)
      await pause(randomInt(20, 400))
      expect(await client.kill('SIGKILL')).toMatchObject({ signal: 'SIGKILL' })
    }
    line.upRate = Infinity
    const outcome = await home.run(['-file', file.path, '-server', line.address])
    await expectStored(file, outcome)
    expect(outcome.stdout).toMatch(/断点续传: 从 [1-9]\d*\/67108864 继续/)
    // What a kill throws away is what was in the air: far from a second upload.
    expect(line.up).toBeLessThan(64 * MIB + kills * 12 * MIB)
  })

  it('lives through the death of the server, and goes on with it where they stopped', async () => {
    const file = await newFile('server-killed.bin', 48 * MIB)
    line.up = 0
    line.upRate = 24 * MIB
    const client = home.start(['-file', file.path, '-server', line.address])
    await client.until(/开始上传/)
    for (let kill = 0; kill < 2; kill++) {
      await pause(randomInt(500, 800))
      await server.kill()
      await pause(randomInt(100, 1000))
      await server.start()
    }
    line.upRate = Infinity
    const outcome = await client.outcome
    await expectStored(file, outcome)
    expect(outcome.stderr).toMatch(/\[WARN\] .+ 秒后重试/)
    await expect.poll(() => server.inbox(), { timeout: 5000 }).toEqual([])
  })

  it('lives through connections that break', async () => {
    const file = await newFile('cut.bin', 32 * MIB)
    line.upRate = 16 * MIB
    const client = home.start(['-file', file.path, '-server', line.address])
    await client.until(/开始上传/)
    for (let cut = 0; cut < 3; cut++) {
      await pause(randomInt(200, 500))
      line.cut()
    }
    line.upRate = Infinity
    await expectStored(file, await client.outcome)
  })

  it('does not lose patience with a line that breaks again and again, as long as each time brings some bytes', async () => {
    const file = await newFile('cut-often.bin', 2 * MIB)
    line.upRate = Infinity
    line.cutEvery = 256 * 1024
    // Pauses that grow with each break would be too long for this after the third.
    const outcome = await home.run(['-file', file.path, '-server', line.address, '--retry-for', '3s'])
    line.cutEvery = Infinity
    await expectStored(file, outcome)
    expect(outcome.stderr.match(/秒后重试/g)!.length).toBeGreaterThan(6)
  })

  it('believes the server’s word about the file when the last answer of a transfer is lost', async () => {
    const file = await newFile('last-answer.bin', MIB)
    line.upRate = Infinity
    let lost = 0
    line.losesAnswer = (bytes) => {
      const isLast = lost === 0 && /^HTTP\/1.1 204/.test(bytes.toString('latin1'))
      if (isLast) lost += 1
      return isLast
    }
    line.up = 0
    const outcome = await home.run(['-file', file.path, '-server', line.address])
    line.losesAnswer = () => false
    await expectStored(file, outcome)
    expect(lost).toBe(1)
    expect(line.up).toBeLessThan(1.1 * MIB)
  })

  it('lets one of two clients with the same file send it, and tells the other at once', async () => {
    const file = await newFile('two.bin', 16 * MIB)
    line.upRate = 8 * MIB
    const other = await ClientHome.create()
    const first = home.start(['-file', file.path, '-server', line.address])
    await first.until(/开始上传/)
    await pause(300)
    const second = await other.run(['-file', file.path, '-server', server.address])
    await other.remove()
    expect(second.code).toBe(3)
    expect(second.stderr).toMatch(/^\[ERROR\] 此文件正由其他客户端上传( \(\d+\/16777216\))?，请稍后再试\n$/)
    await expectStored(file, await first.outcome)
  })

  it('counts a second process of the same user as somebody else', async () => {
    const file = await newFile('two-of-one-user.bin', 16 * MIB)
    line.upRate = 8 * MIB
    const first = home.start(['-file', file.path, '-server', line.address])
    await first.until(/开始上传/)
    await pause(300)
    const second = await home.run(['-file', file.path, '-server', line.address])
    expect(second.code).toBe(3)
    await expectStored(file, await first.outcome)
  })

  it('goes on with what a dead stranger has left, and starts over by itself where that was rubbish', async () => {
    const fake = await FakeFerry.start()
    const file = await newFile('stranger.bin', 300_000)
    const rubbish = Buffer.alloc(100_000)
    const client = 'whoever'
    fake.uploads.set('dead', { md5: file.md5, size: 300_000, client, bytes: rubbish })
    fake.intercept = (request) => {
      const upload = fake.uploads.get('dead')
      if (request.method === 'GET' && upload) upload.client = String(request.headers['ferry-client'])
      return false
    }
    const { code, stdout, stderr } = await home.run(['-file', file.path, '-server', fake.url])
    await fake.stop()
    expect(code).toBe(0)
    expect(stdout).toContain('断点续传: 从 100000/300000 继续')
    expect(stderr).toBe('[WARN] 断点之前的数据与文件 MD5 不一致，从头重新上传\n')
    expect(fake.shelf.get(file.md5)?.equals(file.bytes)).toBe(true)
  })

  it('takes over what another client has left once that one is no longer live', async () => {
    const file = await newFile('left.bin', MIB)
    const impatient = await TestServer.start({ env: { LEASE_SECONDS: '1' } })
    const claim = { md5: file.md5, filename: 'left.bin', client: 'f'.repeat(32) }
    const created = await tus.create(impatient.url, MIB, claim)
    await tus.patch(tus.location(impatient.url, created), 0, file.bytes.subarray(0, 400_000))
    await pause(1500)
    const { code, stdout } = await home.run(['-file', file.path, '-server', impatient.address])
    await impatient.stop()
    expect(code).toBe(0)
    expect(stdout).toContain(`断点续传: 从 400000/${MIB} 继续`)
  })

  it('waits as long as the server asks before it tries again', async () => {
    const fake = await FakeFerry.start()
    const file = await newFile('busy.bin', 1000)
    let refusals = 0
    fake.intercept = (_request, response) => {
      if (refusals > 0) return false
      refusals += 1
      response.writeHead(503, { 'retry-after': '2' }).end('<html>busy</html>')
      return true
    }
    const before = performance.now()
    const { code, stderr } = await home.run(['-file', file.path, '-server', fake.url])
    await fake.stop()
    expect(code).toBe(0)
    expect(stderr).toBe('[WARN] 服务器暂时无法处理 (HTTP 503)，2 秒后重试\n')
    expect(performance.now() - before).toBeGreaterThan(2000)
  })

  it('creates the upload anew when the server has lost it', async () => {
    const fake = await FakeFerry.start()
    const file = await newFile('gone.bin', 1000)
    let isFirst = true
    fake.intercept = (request, response) => {
      if (request.method !== 'HEAD' || !isFirst) return false
      isFirst = false
      fake.uploads.clear()
      response.writeHead(410).end()
      return true
    }
    const { code, stderr } = await home.run(['-file', file.path, '-server', fake.url])
    await fake.stop()
    expect(code).toBe(0)
    expect(stderr).toMatch(/^\[WARN\] 服务器上的断点已失效 \(HTTP 410\)，0\.\d 秒后重试\n$/)
  })

  it('asks and does no more when /check says that somebody else is uploading', async () => {
    const fake = await FakeFerry.start()
    const file = await newFile('elsewhere.bin', 1000)
    fake.uploads.set('other', { md5: file.md5, size: 1000, client: 'other', bytes: Buffer.alloc(400) })
    const { code, stderr } = await home.run(['-file', file.path, '-server', fake.url])
    await fake.stop()
    expect({ code, stderr }).toEqual({
      code: 3,
      stderr: '[ERROR] 此文件正由其他客户端上传 (400/1000)，请稍后再试\n',
    })
    expect(fake.log).toEqual([`GET /check?md5=${file.md5}`])
  })

  it('goes on for as long as it comes forward, however often the line breaks', async () => {
    const fake = await FakeFerry.start()
    const file = await newFile('piecemeal.bin', 800_000)
    fake.intercept = (request) => {
      if (request.method !== 'PATCH') return false
      const [upload] = fake.uploads.values()
      if (!upload || upload.size - upload.bytes.length <= 65_536) return false
      request.once('data', (bytes: Buffer) => {
        upload.bytes = Buffer.concat([upload.bytes, bytes])
        request.socket.resetAndDestroy()
      })
      return true
    }
    const { code, stderr } = await home.run(['-file', file.path, '-server', fake.url, '--retry-for', '1s'])
    await fake.stop()
    expect(code).toBe(0)
    // Longer than --retry-for in all, and no pause grows: every attempt brought something.
    const pauses = [...stderr.matchAll(/([\d.]+) 秒后重试/g)].map(([, seconds]) => Number(seconds))
    expect(pauses.length).toBeGreaterThan(8)
    expect(Math.max(...pauses)).toBe(0.2)
  })

  it('gives up, in time, on a server that takes bytes and keeps none', async () => {
    const fake = await FakeFerry.start()
    const file = await newFile('swallowed.bin', 800_000)
    fake.intercept = (request) => {
      if (request.method === 'PATCH') request.once('data', () => request.socket.resetAndDestroy())
      return request.method === 'PATCH'
    }
    const { code, stderr } = await home.run(['-file', file.path, '-server', fake.url, '--retry-for', '1s'])
    await fake.stop()
    expect(code).toBe(1)
    expect(stderr).toMatch(/；1s 内没有任何进展，已放弃。再次运行同样的命令即可继续\n$/)
  })

  it('does not take a transfer for a success when the server has no such file afterwards', async () => {
    const fake = await FakeFerry.start()
    const file = await newFile('forgotten.bin', 1000)
    fake.intercept = () => {
      fake.shelf.clear()
      return false
    }
    const { code, stdout, stderr } = await home.run(['-file', file.path, '-server', fake.url])
    await fake.stop()
    expect(code).toBe(1)
    expect(stdout).not.toContain('SUCCESS')
    expect(stderr.trimEnd().split('\n').at(-1)).toBe('[ERROR] 传输多次完成，但服务器始终没有存储该文件')
  })
})

import { randomBytes } from 'node:crypto'
import { readFile, rename } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ClientHome } from '../support/client.js'
import { Line } from '../support/proxy.js'
import { TestServer } from '../support/server.js'
import { content, md5 } from '../support/tus.js'

describe('the client', () => {
  let server: TestServer
  let home: ClientHome
  beforeAll(async () => {
    server = await TestServer.start()
    home = await ClientHome.create()
  })
  afterAll(() => Promise.all([server.stop(), home.remove()]))

  async function newFile(name: string, size: number): Promise<{ path: string; bytes: Buffer; md5: string }> {
    const file = content(size)
    return { ...file, path: await home.write(name, file.bytes) }
  }

  it('uploads a file and prints the documented lines, the URL on the last one', async () => {
    const file = await newFile('example.mp4', 3_000_000)
    const { code, lines, stderr } = await home.run(['-file', file.path, '-server', server.address])
    const url = `${server.url}/files/${file.md5}.mp4`
    expect(lines).toEqual([
      `[INFO] 使用服务器: ${server.url}`,
      `[INFO] 计算本地文件 MD5: ${file.path}`,
      `[INFO] 文件 MD5: ${file.md5}`,
      `[INFO] 预检 (GET) => ${server.url}/check?md5=${file.md5}`,
      `[INFO] 开始上传: ${file.path} (size=3000000)`,
      '[PROGRESS] example.mp4 100.00% (3000000/3000000)',
      `[SUCCESS] 上传结果: ${url}`,
    ])
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect((await download(url)).equals(file.bytes)).toBe(true)
  })

  it('speaks English where the locale is English, and keeps the shape of the lines', async () => {
    const file = await newFile('english.mp4', 100_000)
    const { lines } = await home.run(['-file', 'english.mp4', '-server', server.address], {
      LANG: 'en_GB.UTF-8',
    })
    expect(lines).toEqual([
      `[INFO] Server: ${server.url}`,
      '[INFO] Computing the MD5 of the local file: english.mp4',
      `[INFO] MD5 of the file: ${file.md5}`,
      `[INFO] Check (GET) => ${server.url}/check?md5=${file.md5}`,
      '[INFO] Upload: english.mp4 (size=100000)',
      '[PROGRESS] english.mp4 100.00% (100000/100000)',
      `[SUCCESS] Uploaded: ${server.url}/files/${file.md5}.mp4`,
    ])
  })

  it('sends no byte of a file that the server has, and says so with its URL', async () => {
    const file = await newFile('twice.mp4', 2_000_000)
    await home.run(['-file', file.path, '-server', server.address])
    const copy = await home.write('under another name.mkv', file.bytes)
    const line = await Line.to(server.port)
    const { code, lines } = await home.run(['-file', copy, '-server', line.address])
    await line.close()
    expect(code).toBe(0)
    expect(lines.slice(-2)).toEqual([
      '[INFO] 服务器已有此文件，无需上传',
      `[SUCCESS] 上传结果: ${server.url}/files/${file.md5}.mp4`,
    ])
    // One GET, its headers and nothing more.
    expect(line.up).toBeLessThan(1000)
  })

  it('prints progress in the documented form, at most once a second', async () => {
    const file = await newFile('slow.bin', 16_000_000)
    const line = await Line.to(server.port)
    line.upRate = 4_000_000
    const before = performance.now()
    const { lines } = await home.run(['-file', file.path, '-server', line.address])
    const seconds = (performance.now() - before) / 1000
    await line.close()
    const progress = lines.filter((text) => text.startsWith('[PROGRESS]'))
    expect(progress.length).toBeGreaterThan(1)
    expect(progress.length).toBeLessThanOrEqual(seconds + 1)
    for (const text of progress) {
      const [, percent, done] = /^\[PROGRESS\] slow\.bin (\d+\.\d\d)% \((\d+)\/16000000\)$/.exec(text) ?? []
      expect(Number(percent)).toBeCloseTo((Number(done) / 16_000_000) * 100, 1)
    }
  })

  it('stores a file of no bytes', async () => {
    const path = await home.write('empty.txt', '')
    const { code, lines } = await home.run(['-file', path, '-server', server.address])
    expect(code).toBe(0)
    expect(await download(lines.at(-1)?.split(' ').at(-1) ?? '')).toHaveLength(0)
  })

  it('carries a Chinese file name, blanks and all, to the server', async () => {
    const file = await newFile('我的 视频（第1集）.mp4', 50_000)
    const { code, lines } = await home.run(['-file', file.path, '-server', server.address])
    expect(code).toBe(0)
    const response = await fetch(lines.at(-1)?.split(' ').at(-1) ?? '')
    await response.arrayBuffer()
    expect(response.headers.get('content-disposition')).toContain(encodeURIComponent('我的 视频'))
  })

  it.each([
    ['-file', '-server'],
    ['--file', '--server'],
    ['-f', '-s'],
  ])('takes %s and %s, with a blank or an equals sign', async (fileFlag, serverFlag) => {
    const { path } = await newFile('flags.bin', 1000)
    const { code } = await home.run([fileFlag, path, serverFlag, server.address])
    const again = await home.run([`${fileFlag}=${path}`, `${serverFlag}=${server.url}/`])
    expect([code, again.code]).toEqual([0, 0])
  })

  it('takes its server from .env of the current folder, and from the environment before that', async () => {
    const { path } = await newFile('default.bin', 1000)
    await home.write('.env', `HOST=127.0.0.1 # here\nHTTP_PORT=${server.port}\n`)
    const byFile = await home.run(['-file', path])
    const byEnvironment = await home.run(['-file', path, '--retry-for', '0'], { HTTP_PORT: '1' })
    expect(byFile).toMatchObject({ code: 0 })
    expect(byEnvironment.lines[0]).toBe('[INFO] 使用服务器: http://127.0.0.1:1')
  })

  it('keeps one secret id in its state folder, readable by its user alone', async () => {
    const { path } = await newFile('id.bin', 1000)
    await home.run(['-file', path, '-server', server.address])
    const id = await readFile(join(home.state, 'client-id'), 'utf8')
    await home.run(['-file', path, '-server', server.address])
    expect(id).toMatch(/^[0-9a-f]{32}\n$/)
    expect(await readFile(join(home.state, 'client-id'), 'utf8')).toBe(id)
  })

  it('uploads without a state folder, too', async () => {
    const { path } = await newFile('stateless.bin', 1000)
    const blocked = await home.write('not-a-folder', '')
    const { code } = await home.run(['-file', path, '-server', server.address], { FERRY_STATE_DIR: blocked })
    expect(code).toBe(0)
  })

  it('sends what it has hashed, even if the path leads to another file meanwhile', async () => {
    const file = await newFile('replaced.bin', 1_000_000)
    const line = await Line.to(server.port)
    line.upRate = 1_000_000
    const client = home.start(['-file', file.path, '-server', line.address])
    await client.until(/开始上传/)
    await rename(await home.write('other.bin', randomBytes(1_000_000)), file.path)
    const { code, lines, stderr } = await client.outcome
    await line.close()
    expect(code).toBe(0)
    expect(stderr).toBe(`[WARN] 上传的内容已通过校验，但本地文件此后有变动: ${file.path}\n`)
    expect(md5(await download(lines.at(-1)?.split(' ').at(-1) ?? ''))).toBe(file.md5)
  })
})

async function download(url: string): Promise<Buffer> {
  return Buffer.from(await (await fetch(url)).arrayBuffer())
}

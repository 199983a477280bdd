import { once } from 'node:events'
import { truncate, unlink, writeFile } from 'node:fs/promises'
import { type AddressInfo, createServer } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ClientHome } from '../support/client.js'
import { FakeFerry, type Intercept } from '../support/fake-ferry.js'
import { Line } from '../support/proxy.js'
import { TestServer, freePort, pause } from '../support/server.js'
import { content } from '../support/tus.js'

const MIB = 1024 * 1024
const USAGE = '用法: ferry -file <文件> [-server <host:port>]，详见 ferry --help\n'

describe('how the client ends', () => {
  let server: TestServer
  let home: ClientHome
  let line: Line
  beforeAll(async () => {
    server = await TestServer.start()
    home = await ClientHome.create()
    line = await Line.to(server.port)
    await home.write('any.bin', 'any')
  })
  afterAll(() => Promise.all([line.close(), server.stop(), home.remove()]))

  it.each([
    [[], '未指定要上传的文件'],
    [['-file'], '选项缺少值: -f, --file <path>'],
    [['-file', ''], '未指定要上传的文件'],
    [['-flie', 'any.bin'], '未知选项: --flie'],
    [['-file', 'my', 'movie.mp4'], '多余的参数: movie.mp4（路径含空格时请加引号）'],
    [['-file', 'any.bin', '-server', 'ftp://x'], '服务器地址无效: ftp://x（应为 host:port 或 http(s) URL）'],
    [['-file', 'any.bin', '-server', 'x:99999'], '服务器地址无效: x:99999（应为 host:port 或 http(s) URL）'],
    [['-file', 'any.bin', '--retry-for', 'long'], '时长无效: long（例如 30s、10m、2h）'],
  ])('answers the wrong command line %j with one line, a hint, and 2', async (args, message) => {
    const { code, stdout, stderr } = await home.run(args)
    expect({ code, stdout, stderr }).toEqual({ code: 2, stdout: '', stderr: `[ERROR] ${message}\n${USAGE}` })
  })

  it('explains itself in both languages, and tells its version', async () => {
    const chinese = await home.run(['--help'])
    const english = await home.run(['-help'], { FERRY_LANG: 'en' })
    const version = await home.run(['--version'])
    expect(chinese).toMatchObject({ code: 0, stdout: expect.stringContaining('退出码') as string })
    expect(english).toMatchObject({ code: 0, stdout: expect.stringContaining('Exit codes') as string })
    expect(english.stdout).not.toMatch(/\p{Script=Han}/u)
    expect(version.stdout).toMatch(/^\d+\.\d+\.\d+\n$/)
  })

  it.each([
    ['missing.bin', '文件不存在: missing.bin'],
    ['any.bin/inside', '文件不存在: any.bin/inside'],
    ['.', '不是普通文件: .'],
  ])('ends with 1 and one line for %s', async (path, message) => {
    const { code, stderr } = await home.run(['-file', path, '-server', server.address])
    expect({ code, stderr }).toEqual({ code: 1, stderr: `[ERROR] ${message}\n` })
  })

  it('gives up on a server that nobody can reach when --retry-for is over', async () => {
    const nobody = `127.0.0.1:${await freePort()}`
    const { code, stderr } = await home.run(['-file', 'any.bin', '-server', nobody, '--retry-for', '1s'])
    const lines = stderr.trimEnd().split('\n')
    expect(code).toBe(1)
    expect(lines.length).toBeLessThan(6)
    expect(lines[0]).toMatch(/^\[WARN\] 与服务器的连接中断 \(ECONNREFUSED\)，0\.\d 秒后重试$/)
    expect(lines.at(-1)).toMatch(
      /^\[ERROR\] 与服务器的连接中断 \(ECONNREFUSED\)；1s 内没有任何进展，已放弃。/,
    )
  })

  it('says at once that a host does not exist', async () => {
    const { code, stderr } = await home.run(['-file', 'any.bin', '-server', 'no-such-host.invalid:80'])
    expect(code).toBe(1)
    // Some resolvers say "try again" for every name; then it does, and this test with it.
    expect(stderr).toBe('[ERROR] 找不到服务器主机名: no-such-host.invalid\n')
  })

  it.each<[string, Intercept, RegExp]>([
    ['a page', answer(200, '<html>hello</html>'), /^\[ERROR\] 对方不是 ferry 服务器: \S+ \(HTTP 200\)\n$/],
    ['other JSON', answer(200, '{"status":"fine"}'), /^\[ERROR\] 对方不是 ferry 服务器: \S+ \(HTTP 200\)\n$/],
    ['404', answer(404, '{"error":"x"}'), /^\[ERROR\] 对方不是 ferry 服务器: \S+ \(HTTP 404\)\n$/],
    [
      'a redirection',
      answer(301, '', { location: 'https://example.org/ferry/check?md5=0' }),
      /^\[ERROR\] 服务器要求改用其他地址，请使用 -server https:\/\/example\.org\/ferry\n$/,
    ],
    [
      'an escape sequence',
      answer(400, JSON.stringify({ status: 'error', code: 'x', message: 'no\u001B[31m\u0007\n!' })),
      /^\[ERROR\] 服务器拒绝 \(HTTP 400: no\[31m!\)\n$/,
    ],
  ])('says at once what is wrong with a server that answers with %s', async (_what, intercept, message) => {
    const fake = await FakeFerry.start()
    fake.intercept = intercept
    const { code, stderr } = await home.run(['-file', 'any.bin', '-server', fake.url])
    await fake.stop()
    expect(code).toBe(1)
    expect(stderr).toMatch(message)
  })

  it('says at once that what speaks no HTTP is no ferry server', async () => {
    const ssh = createServer((socket) => void socket.end('SSH-2.0-OpenSSH\r\n')).listen(0, '127.0.0.1')
    await once(ssh, 'listening')
    const { port } = ssh.address() as AddressInfo
    const { code, stderr } = await home.run(['-file', 'any.bin', '-server', `127.0.0.1:${port}`])
    ssh.close()
    expect(code).toBe(1)
    expect(stderr).toMatch(/^\[ERROR\] 对方不是 ferry 服务器: /)
  })

  it('takes a strange answer from a server that it knows for the line’s fault, and tries again', async () => {
    const fake = await FakeFerry.start()
    let strange = 2
    fake.intercept = (request, response) => {
      if (request.method !== 'POST' || strange-- <= 0) return false
      return answer(200, '<html>please log in to this hotel</html>')(request, response)
    }
    const { code } = await home.run(['-file', 'any.bin', '-server', fake.url])
    await fake.stop()
    expect(code).toBe(0)
  })

  it('repeats the server’s words when it refuses, and does not insist', async () => {
    const fake = await FakeFerry.start()
    const tooLarge = JSON.stringify({ status: 'error', code: 'too-large', message: 'at most 1 byte' })
    fake.intercept = (request, response) =>
      request.method === 'POST' && answer(413, tooLarge)(request, response)
    const { code, stderr } = await home.run(['-file', 'any.bin', '-server', fake.url])
    await fake.stop()
    expect({ code, stderr }).toEqual({
      code: 1,
      stderr: '[ERROR] 文件超过服务器允许的大小 (HTTP 413: at most 1 byte)\n',
    })
  })

  it('is an integrity error, 4, when the server receives other bytes than were sent', async () => {
    const fake = await FakeFerry.start()
    fake.intercept = (request, response) =>
      request.method === 'PATCH' && answer(460, 'mismatch')(request, response)
    const { code, stderr } = await home.run(['-file', 'any.bin', '-server', fake.url])
    await fake.stop()
    expect(code).toBe(4)
    expect(stderr).toMatch(/^\[ERROR\] 完整性错误: .+\n$/)
  })

  it('ends with 4 when the file is changed while it is uploaded, and leaves nothing on the server', async () => {
    const file = content(16 * MIB)
    const path = await home.write('changed.bin', file.bytes)
    line.upRate = 16 * MIB
    const client = home.start(['-file', path, '-server', line.address])
    await client.until(/开始上传/)
    await writeFile(path, content(16 * MIB).bytes)
    const { code, stderr } = await client.outcome
    expect({ code, stderr }).toEqual({
      code: 4,
      stderr: `[ERROR] 文件在上传过程中被修改，请重新运行: ${path}\n`,
    })
    expect(await server.shelf()).not.toContain(`${file.md5}.bin`)
    await expect.poll(() => server.inbox(), { timeout: 5000 }).toEqual([])
  })

  it('ends with 4 when the file shrinks while it is uploaded', async () => {
    const path = await home.write('shrunk.bin', content(32 * MIB).bytes)
    line.upRate = 8 * MIB
    const client = home.start(['-file', path, '-server', line.address])
    await client.until(/开始上传/)
    await pause(200)
    await truncate(path, MIB)
    const { code, stderr } = await client.outcome
    expect({ code, stderr }).toEqual({
      code: 4,
      stderr: `[ERROR] 文件在上传过程中被修改，请重新运行: ${path}\n`,
    })
  })

  it('finishes the upload of a file that is deleted meanwhile, and says that it is gone', async () => {
    const file = content(16 * MIB)
    const path = await home.write('deleted.bin', file.bytes)
    line.upRate = 32 * MIB
    const client = home.start(['-file', path, '-server', line.address])
    await client.until(/开始上传/)
    await unlink(path)
    const { code, stderr } = await client.outcome
    expect({ code, stderr }).toEqual({
      code: 0,
      stderr: `[WARN] 上传的内容已通过校验，但本地文件此后有变动: ${path}\n`,
    })
    expect(await server.shelf()).toContain(`${file.md5}.bin`)
  })

  it.each([
    ['SIGINT', 130, '已中断'],
    ['SIGTERM', 143, '已终止'],
  ] as const)('stops on %s within a moment, and the same command goes on', async (signal, exitCode, word) => {
    const path = await home.write(`${signal}.bin`, content(32 * MIB).bytes)
    line.upRate = 8 * MIB
    const client = home.start(['-file', path, '-server', line.address])
    await client.until(/PROGRESS/)
    const before = performance.now()
    const { code, stderr } = await client.kill(signal)
    expect(performance.now() - before).toBeLessThan(2000)
    expect({ code, stderr }).toEqual({
      code: exitCode,
      stderr: `[ERROR] ${word}。再次运行同样的命令即可从断点继续\n`,
    })
    line.upRate = Infinity
    const again = await home.run(['-file', path, '-server', line.address])
    expect(again.code).toBe(0)
    expect(again.stdout).toContain('断点续传')
  })

  it('can be interrupted while it waits for a server', async () => {
    const client = home.start(['-file', 'any.bin', '-server', `127.0.0.1:${await freePort()}`])
    await client.until(/秒后重试/)
    expect(await client.kill('SIGINT')).toMatchObject({ code: 130 })
  })

  it('goes on when nobody reads its output any more', async () => {
    const file = content(MIB)
    const path = await home.write('unread.bin', file.bytes)
    const client = home.start(['-file', path, '-server', server.address])
    client.child.stdout?.destroy()
    expect(await client.outcome).toMatchObject({ code: 0 })
    expect(await server.shelf()).toContain(`${file.md5}.bin`)
  })
})

function answer(status: number, body: string, headers: Record<string, string> = {}): Intercept {
  return (_request, response) => {
    response.writeHead(status, headers).end(body)
    return true
  }
}

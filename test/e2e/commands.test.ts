import { mkdir, readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ClientHome } from '../support/client.js'
import { Gate } from '../support/gate.js'
import { TestServer, freePort } from '../support/server.js'
import { content, stockUpload, tus } from '../support/tus.js'

const EN = { FERRY_LANG: 'en' }

describe('the subcommands', () => {
  let server: TestServer
  let home: ClientHome
  let env: Record<string, string>
  beforeAll(async () => {
    server = await TestServer.start()
    home = await ClientHome.create()
    env = { ...EN, FERRY_SERVER: server.address }
  })
  afterAll(() => Promise.all([server.stop(), home.remove()]))

  async function stored(name: string): Promise<{ path: string; md5: string; url: string }> {
    const { bytes, md5 } = content(100_000)
    await stockUpload(server.url, bytes, { metadata: { filename: name } })
    return { path: await home.write(name, bytes), md5, url: `${server.url}/files/${md5}.bin` }
  }

  async function arriving(): Promise<string> {
    const { md5, bytes } = content(1000)
    const created = await tus.create(server.url, 1000, { md5, filename: 'arriving.bin' })
    await tus.patch(tus.location(server.url, created), 0, bytes.subarray(0, 400))
    return md5
  }

  it('check says of files and MD5s what the server knows, a line each, and nothing else on stdout', async () => {
    const [there, coming] = [await stored('there.bin'), await arriving()]
    const unknown = content(10).md5
    const all = await home.run(['check', there.path, there.md5], env)
    expect(all).toMatchObject({ code: 0, stderr: '' })
    expect(all.lines).toEqual([`${there.path}: exists ${there.url}`, `${there.md5}: exists ${there.url}`])

    const some = await home.run(['check', there.md5, coming], env)
    expect(some.code).toBe(3)
    expect(some.lines[1]).toBe(`${coming}: uploading 40.00% (400/1000)`)

    const missing = await home.run(['check', coming, unknown], env)
    expect(missing.code).toBe(5)
    expect(missing.lines[1]).toBe(`${unknown}: notfound`)
  })

  it('check --json prints an object a line, and goes on after a file that is not there', async () => {
    const { md5, url } = await stored('json.bin')
    const { code, lines } = await home.run(['check', 'nothing-here', md5, '--json'], env)
    expect(code).toBe(1)
    expect(lines.map((line) => JSON.parse(line) as unknown)).toEqual([
      {
        argument: 'nothing-here',
        status: 'error',
        code: 'file-missing',
        message: 'No such file: nothing-here',
      },
      // And its SHA-256, which is known a moment later.
      expect.objectContaining({ argument: md5, md5, status: 'exists', url }),
    ])
  })

  it('check tries again while the server is down, as long as --retry-for says', async () => {
    const port = await freePort()
    const args = ['check', content(1).md5, '-s', `127.0.0.1:${port}`, '--retry-for']
    const { code, stderr, stdout } = await home.run([...args, '300ms'], env)
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
    expect(stderr).toMatch(/\[WARN\] No connection to the server \(ECONNREFUSED\), trying again/)
    expect(stderr).toMatch(/\[ERROR\].*gave up after 300ms/)
    expect((await home.run([...args, '0'], env)).stderr).toMatch(/^\[ERROR\].*ECONNREFUSED/)
  })

  it('link prints the permanent link and nothing else', async () => {
    const { path, md5, url } = await stored('link.bin')
    expect(await home.run(['link', path], env)).toMatchObject({ code: 0, stdout: `${url}\n`, stderr: '' })
    const { lines } = await home.run(['link', '--json', md5], env)
    expect(JSON.parse(lines[0]!)).toEqual({ argument: md5, md5, url })
  })

  it('link has none for what is missing or arriving, and says what to do', async () => {
    const missing = await home.run(['link', content(5).md5], env)
    expect(missing).toMatchObject({ code: 5, stdout: '' })
    expect(missing.stderr).toMatch(/\[ERROR\].*ferry upload/)
    const coming = await home.run(['link', await arriving()], env)
    expect(coming).toMatchObject({ code: 3, stdout: '' })
    expect(coming.stderr).toMatch(/\[ERROR\].*400\/1000.*later/)
  })

  it('speak Chinese where no English locale is', async () => {
    const { stderr, code } = await home.run(['link', content(5).md5], { FERRY_SERVER: server.address })
    expect(code).toBe(5)
    expect(stderr).toMatch(/^\[ERROR\] 服务器上没有/)
    expect((await home.run(['help'], {})).stdout).toMatch(/^用法: ferry <命令>/)
  })

  it('say wrong usage in one line with exit code 2, and nothing on stdout', async () => {
    for (const args of [
      ['uplaod', 'x'],
      ['check'],
      ['check', 'x', '--jsn'],
      ['check', 'x', '--ca', 'nothing'],
    ]) {
      const { code, stdout, stderr } = await home.run(args, env)
      expect(stdout).toBe('')
      expect(stderr).toMatch(/^\[ERROR\] [^\n]+\n$/)
      expect(code).toBe(args.includes('--ca') ? 1 : 2)
    }
  })

  it('leave the documented call alone, whatever the variables of the subcommands say', async () => {
    const path = await home.write('documented.bin', content(1000).bytes)
    const { code, lines } = await home.run(['-file', path, '-server', server.address], {
      ...EN,
      FERRY_QUIET: '1',
      FERRY_JSON: '1',
      HTTP_PROXY: 'http://127.0.0.1:9',
    })
    expect(code).toBe(0)
    expect(lines.at(-1)).toMatch(/^\[SUCCESS\] Uploaded: http/)
  })

  describe('login', () => {
    it('saves a piped token for the server, for its owner alone, and later commands send it', async () => {
      const gate = await Gate.to(server.port)
      const { code, stdout, stderr } = await home.run(['login', gate.address], EN, 'sesame\n')
      const path = join(home.config, 'ferry', 'tokens.json')
      expect({ code, stdout, stderr }).toEqual({
        code: 0,
        stdout: `Token for http://${gate.address} saved in ${path}\n`,
        stderr: '',
      })
      expect((await stat(path)).mode & 0o777).toBe(0o600)
      expect(gate.seen.at(-1)?.headers.authorization).toBe('Bearer sesame')

      await home.run(['check', content(1).md5, '-s', gate.address], EN)
      expect(gate.seen.at(-1)?.headers.authorization).toBe('Bearer sesame')
      await home.run(['check', content(1).md5, '-s', gate.address, '--token', 'other'], EN)
      expect(gate.seen.at(-1)?.headers.authorization).toBe('Bearer other')

      await home.run(['login', '--logout', gate.address], EN)
      expect(await readFile(path, 'utf8')).not.toContain('sesame')
      await home.run(['check', content(1).md5, '-s', gate.address], EN)
      expect(gate.seen.at(-1)?.headers.authorization).toBeUndefined()
      await gate.stop()
    })

    it('saves nothing that the server does not take, and never shows it', async () => {
      const gate = await Gate.to(server.port)
      gate.intercept = (_request, response) => {
        response.writeHead(401).end()
        return true
      }
      const { code, stdout, stderr } = await home.run(['login', gate.address], EN, 'wrong-token')
      expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
      expect(stderr).toMatch(/\[ERROR\].*wants another token \(HTTP 401\).*ferry login/)
      expect(stderr).not.toContain('wrong-token')
      expect((await home.run(['login', '--logout', gate.address], EN)).stdout).toMatch(/^No token for/)
      await gate.stop()
    })

    it('asks for a token where none comes', async () => {
      const { code, stderr } = await home.run(['login', server.address], EN, '')
      expect(code).toBe(2)
      expect(stderr).toMatch(/no token given/)
    })

    it('warns where others can read what is saved', async () => {
      const folder = join(home.dir, 'open', 'ferry')
      await mkdir(folder, { recursive: true })
      await writeFile(join(folder, 'tokens.json'), '{}', { mode: 0o644 })
      const { stderr } = await home.run(['check', content(1).md5], {
        ...env,
        XDG_CONFIG_HOME: join(home.dir, 'open'),
      })
      expect(stderr).toMatch(/^\[WARN\] Others can read the saved tokens: chmod 600 /)
    })
  })
})

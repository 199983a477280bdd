import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { selfSigned } from '../support/certificates.js'
import { ClientHome } from '../support/client.js'
import { ForwardProxy } from '../support/forward-proxy.js'
import { Gate } from '../support/gate.js'
import { SocksProxy } from '../support/socks-proxy.js'
import { TestServer } from '../support/server.js'
import { find, missing } from '../support/tools.js'
import { content } from '../support/tus.js'

const EN = { FERRY_LANG: 'en' }

describe('the way to the server', () => {
  let server: TestServer
  let home: ClientHome
  let proxy: ForwardProxy
  beforeAll(async () => {
    server = await TestServer.start({ env: { ALLOWED_HOSTS: 'files.test' } })
    home = await ClientHome.create()
    proxy = await ForwardProxy.start()
  })
  afterAll(() => Promise.all([proxy.stop(), server.stop(), home.remove()]))

  /** A question whose answer shows that it got there. */
  function check(address: string, env: Record<string, string>, ...more: string[]) {
    return home.run(['check', content(1).md5, '--retry-for', '0', '-s', address, ...more], { ...EN, ...env })
  }

  it.each(['HTTP_PROXY', 'http_proxy', 'ALL_PROXY', 'all_proxy'])(
    'leads through the proxy of %s, which finds names that we can not',
    async (variable) => {
      const { code, stderr } = await check(`files.test:${server.port}`, {
        [variable]: `http://${proxy.address}`,
      })
      expect({ code, stderr }).toEqual({ code: 5, stderr: '' })
      expect(proxy.log.at(-1)).toMatch(new RegExp(`^GET http://files\\.test:${server.port}/check\\?md5=`))
    },
  )

  it.each(['socks5h', 'socks'])(
    'leads through a SOCKS proxy (%s://), which finds names, too',
    async (scheme) => {
      const socks = await SocksProxy.start()
      const { code, stderr } = await check(`files.test:${server.port}`, {
        ALL_PROXY: `${scheme}://${socks.address}`,
      })
      expect({ code, stderr }).toEqual({ code: 5, stderr: '' })
      expect(socks.log).toEqual([`files.test:${server.port}`])
      await socks.stop()
    },
  )

  it('goes round the proxy where NO_PROXY says so', async () => {
    const before = proxy.log.length
    const env = { HTTP_PROXY: `http://${proxy.address}`, NO_PROXY: '127.0.0.0/8' }
    expect((await check(server.address, env)).code).toBe(5)
    expect(proxy.log.length).toBe(before)
  })

  it('gives the proxy its password, and says what to do when there is none', async () => {
    const asking = await ForwardProxy.start()
    asking.wants = 'me:pass word'
    const env = { HTTP_PROXY: `http://me:pass%20word@${asking.address}` }
    expect((await check(`files.test:${server.port}`, env)).code).toBe(5)
    const refused = await check(`files.test:${server.port}`, { HTTP_PROXY: `http://${asking.address}` })
    expect(refused.code).toBe(1)
    expect(refused.stderr).toMatch(/\[ERROR\] The proxy http:\/\/\S+ refuses \(HTTP 407\).*user:password/)
    const wrong = await check(`files.test:${server.port}`, {
      HTTP_PROXY: `http://me:secret@${asking.address}`,
    })
    expect(wrong.stderr).not.toContain('secret')
    await asking.stop()
  })

  it('says that a proxy variable is wrong, with exit code 2 and without its password', async () => {
    const { code, stderr } = await check(server.address, { HTTP_PROXY: 'gopher://me:secret@p' })
    expect(code).toBe(2)
    expect(stderr).toMatch(/^\[ERROR\] HTTP_PROXY in the environment is no proxy address[^\n]*\n$/)
    expect(stderr).not.toContain('secret')
  })

  it('says that the proxy is not there', async () => {
    const { code, stderr } = await check(`files.test:${server.port}`, { HTTP_PROXY: 'http://127.0.0.1:9' })
    expect(code).toBe(1)
    expect(stderr).toMatch(/ECONNREFUSED/)
  })

  describe.skipIf(!find('openssl'))(`with https${missing('openssl')}`, () => {
    const names = 'DNS:files.test,IP:127.0.0.1'

    it('is taken where --ca knows the authority, and refused with advice where nobody does', async () => {
      const certificate = selfSigned(home.dir, names)
      const gate = await Gate.to(server.port, certificate)
      const url = `https://${gate.address}`
      const refused = await check(url, {}, '--token', 'sesame')
      expect(refused.code).toBe(1)
      expect(refused.stderr).toMatch(/\[ERROR\] The certificate of https:\S+ is not trusted \(\w+\).*--ca/)
      // Nobody has heard the token.
      expect(gate.seen).toEqual([])
      expect((await check(url, {}, '--ca', certificate.path)).code).toBe(5)
      expect((await check(url, { FERRY_CA: certificate.path })).code).toBe(5)
      expect((await check(url, { NODE_EXTRA_CA_CERTS: certificate.path })).code).toBe(5)
      await gate.stop()
    })

    it('keeps what NODE_EXTRA_CA_CERTS trusts when --ca adds another authority', async () => {
      const [one, other] = [selfSigned(home.dir, names), selfSigned(home.dir, 'DNS:other.test')]
      const gate = await Gate.to(server.port, one)
      const env = { NODE_EXTRA_CA_CERTS: one.path }
      expect((await check(`https://${gate.address}`, env, '--ca', other.path)).code).toBe(5)
      await gate.stop()
    })

    it('leads through a SOCKS proxy, too', async () => {
      const certificate = selfSigned(home.dir, names)
      const [gate, socks] = [await Gate.to(server.port, certificate), await SocksProxy.start()]
      const env = { all_proxy: `socks5h://${socks.address}` }
      expect((await check(`https://files.test:${gate.port}`, env, '--ca', certificate.path)).code).toBe(5)
      expect(socks.log.length).toBe(1)
      await Promise.all([gate.stop(), socks.stop()])
    })

    it('leads through a tunnel, in which the proxy reads neither token nor path', async () => {
      const certificate = selfSigned(home.dir, names)
      const gate = await Gate.to(server.port, certificate)
      const env = { HTTPS_PROXY: `http://${proxy.address}`, FERRY_TOKEN: 'sesame' }
      const { code, stderr } = await check(`https://files.test:${gate.port}`, env, '--ca', certificate.path)
      expect({ code, stderr }).toEqual({ code: 5, stderr: '' })
      expect(proxy.log.at(-1)).toBe(`CONNECT files.test:${gate.port}`)
      expect(gate.seen.at(-1)?.headers.authorization).toBe('Bearer sesame')
      expect(proxy.overheard).not.toContain('sesame')
      await gate.stop()
    })
  })

  describe('carries the token', () => {
    it('to the server, and not where a redirect points', async () => {
      const [gate, elsewhere] = [await Gate.to(server.port), await Gate.to(server.port)]
      gate.intercept = (request, response) => {
        response.writeHead(302, { location: `http://${elsewhere.address}${request.url}` }).end()
        return true
      }
      const { code, stdout, stderr } = await check(gate.address, {}, '--token', 'sesame')
      expect(code).toBe(1)
      expect(stderr).toContain(`http://${elsewhere.address}`)
      expect(`${stdout}${stderr}`).not.toContain('sesame')
      expect(gate.seen[0]?.headers.authorization).toBe('Bearer sesame')
      expect(elsewhere.seen).toEqual([])
      await Promise.all([gate.stop(), elsewhere.stop()])
    })

    it('from a file, which nobody else on the machine can read in a list of processes', async () => {
      const gate = await Gate.to(server.port)
      const path = await home.write('token', 'from-file\n')
      await check(gate.address, { FERRY_TOKEN: 'from-variable' }, '--token-file', path)
      expect(gate.seen.at(-1)?.headers.authorization).toBe('Bearer from-file')
      await check(gate.address, { FERRY_TOKEN: 'from-variable', FERRY_TOKEN_FILE: path })
      expect(gate.seen.at(-1)?.headers.authorization).toBe('Bearer from-variable')
      await check(gate.address, { FERRY_TOKEN_FILE: path })
      expect(gate.seen.at(-1)?.headers.authorization).toBe('Bearer from-file')
      const { code, stderr } = await check(gate.address, {}, '--token-file', 'nowhere')
      expect(code).toBe(1)
      expect(stderr).toMatch(/No such file: \S*nowhere/)
      await gate.stop()
    })

    it('never into the server log, nor into an error', async () => {
      const { stderr } = await check(server.address, {}, '--token', 'sesame sesame')
      expect(stderr).toMatch(/No usable token in --token/)
      expect(stderr).not.toContain('sesame')
      await check(server.address, {}, '--token', 'sesame')
      expect(server.output).not.toContain('sesame')
    })
  })

  it('reaches an IPv6 address in any spelling', async () => {
    for (const address of [`[::1]:${server.port}`, `http://[::1]:${server.port}`]) {
      const { code, stderr } = await check(address, {
        HTTP_PROXY: `http://${proxy.address}`,
        NO_PROXY: '::1',
      })
      // The server listens on IPv4 alone: what counts is that the address was understood.
      expect({ code, stderr }).toEqual({
        code: 1,
        stderr: expect.stringMatching(/ECONNREFUSED|EADDRNOTAVAIL/),
      })
    }
  })
})

import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { selfSigned } from '../support/certificates.js'
import { ClientHome } from '../support/client.js'
import { ForwardProxy } from '../support/forward-proxy.js'
import { Gate } from '../support/gate.js'
import { TestServer, freePort } from '../support/server.js'
import { find, missing } from '../support/tools.js'
import { content, stockUpload } from '../support/tus.js'

const MIB = 1024 * 1024

interface Seen {
  step: string
  level: string
  message: string
  [fact: string]: unknown
}

describe('doctor', () => {
  let server: TestServer
  let home: ClientHome
  let gate: Gate
  beforeAll(async () => {
    server = await TestServer.start({ env: { ALLOWED_HOSTS: 'files.test' } })
    home = await ClientHome.create()
    gate = await Gate.to(server.port)
  })
  afterAll(() => Promise.all([gate.stop(), server.stop(), home.remove()]))

  async function examine(address: string, args: string[] = [], env: Record<string, string> = {}) {
    const all = ['doctor', '--json', '-s', address, ...args]
    const { code, lines, stderr } = await home.run(all, { FERRY_LANG: 'en', ...env })
    const seen = lines.map((line) => JSON.parse(line) as Seen)
    return { code, stderr, seen, at: (step: string) => seen.find((each) => each.step === step) }
  }

  it('has a number for every step of a way that works, and leaves nothing behind', async () => {
    const { bytes, md5 } = content(300_000)
    await stockUpload(server.url, bytes)
    const shelf = await server.shelf()
    const { code, seen, at, stderr } = await examine(server.address, [md5])
    expect(seen.map(({ step }) => step)).toEqual([
      'connect',
      'http',
      'clock',
      'ferry',
      'protocol',
      'upload',
      'streaming',
      'rtt',
      'loss',
      'parallel',
      'auto',
      'body',
      'download',
    ])
    expect(seen.filter(({ level }) => level === 'problem')).toEqual([])
    expect(at('connect')).toMatchObject({ family: 4, tries: 3, lost: 0, ms: expect.any(Number) as number })
    expect(at('http')).toMatchObject({ path: '/healthz', rounds: 5, status: 200 })
    expect(at('http')?.['jitterMs']).toEqual(expect.any(Number))
    expect(Math.abs(Number(at('clock')?.['skewSeconds']))).toBeLessThanOrEqual(2)
    expect(at('upload')?.['bytesPerSecond']).toBeGreaterThan(0)
    expect(at('streaming')).toMatchObject({ level: 'ok', streams: true })
    expect(at('body')).toMatchObject({ level: 'ok', limited: false })
    expect(at('download')).toMatchObject({ level: 'ok', bytes: 300_000, status: 206 })
    expect({ code, stderr }).toEqual({
      code: 0,
      stderr: `[INFO] Nothing is wrong between here and ${server.url}\n`,
    })
    expect(await server.shelf()).toEqual(shelf)
    expect(await server.inbox()).toEqual([])
  })

  it('prints a line for each step, with --quiet only where something is wrong', async () => {
    const env = { FERRY_LANG: 'en', FERRY_SERVER: server.address }
    const { lines } = await home.run(['doctor'], env)
    expect(lines[0]).toMatch(
      /^ok +connect +IPv4 127\.0\.0\.1:\d+ connects in \d+(\.\d)? ms \(3 of 3 tries\)$/,
    )
    expect(lines.at(-1)).toMatch(/^ok +download +not measured: .*MD5/)
    expect(await home.run(['doctor', '-q'], env)).toMatchObject({ code: 0, stdout: '', stderr: '' })
    expect((await home.run(['doctor'], { FERRY_SERVER: server.address })).stdout).toMatch(/^正常 connect/)
  })

  it('says at which step the way ends when the server is down, and what to look at', async () => {
    const { code, seen, stderr } = await examine(`127.0.0.1:${await freePort()}`)
    expect(code).toBe(1)
    expect(seen).toMatchObject([{ step: 'connect', level: 'problem', reason: 'ECONNREFUSED', lost: 3 }])
    expect(seen[0]?.message).toMatch(/nothing listens there: is the server started, and the port right\?/)
    expect(stderr).toMatch(/ends at this step: connect/)
  })

  it('says that a name has no address', async () => {
    const { code, seen } = await examine('no-such-host.invalid')
    expect(code).toBe(1)
    expect(seen).toMatchObject([{ step: 'name', level: 'problem', host: 'no-such-host.invalid' }])
  })

  it('knows that another server is none of ours', async () => {
    gate.intercept = (_request, response) => {
      response.writeHead(200, { 'content-type': 'text/html' }).end('<h1>It works!</h1>')
      return true
    }
    const { code, seen } = await examine(gate.address)
    gate.intercept = () => false
    expect(code).toBe(1)
    expect(seen.at(-1)).toMatchObject({ step: 'ferry', level: 'problem', code: 'not-ferry' })
  })

  it('says that a token is wanted', async () => {
    gate.intercept = (request, response) => {
      const isWelcome = request.headers.authorization === 'Bearer sesame'
      if (!isWelcome) response.writeHead(401).end()
      return !isWelcome
    }
    const without = await examine(gate.address)
    const withToken = await examine(gate.address, [], { FERRY_TOKEN: 'sesame' })
    gate.intercept = () => false
    expect(without.at('ferry')).toMatchObject({ level: 'problem', code: 'not-allowed', status: 401 })
    expect(without.at('ferry')?.message).toMatch(/ferry login/)
    expect(without.stderr).toMatch(/ends at this step: ferry$/m)
    expect(withToken.code).toBe(0)
  })

  it.each([MIB, 100 * MIB])('finds the largest request that a proxy lets in: %d bytes', async (limit) => {
    gate.maxBody = limit
    const { code, at } = await examine(gate.address)
    gate.maxBody = Infinity
    // What gets through below the limit is measured, and works with smaller requests.
    expect({ code, upload: at('upload')?.level }).toEqual({ code: 0, upload: 'ok' })
    const largest = 2 ** Math.floor(Math.log2(limit))
    expect(at('body')).toMatchObject({ level: 'warning', limited: true, bytes: largest })
    expect(at('body')?.message).toContain(`--chunk-size ${largest / MIB}M`)
  })

  it('comes to its end, too, where hardly any request is let in', async () => {
    gate.maxBody = 100_000
    const { code, at } = await examine(gate.address)
    gate.maxBody = Infinity
    expect(code).toBe(0)
    // Half of a request that nobody lets in tells nothing.
    expect(at('streaming')).toBeUndefined()
    expect(at('body')).toMatchObject({ level: 'warning', bytes: 65_536 })
    expect(at('body')?.message).toContain('--chunk-size 64K')
    expect(at('download')?.level).toBe('ok')
    expect(await server.inbox()).toEqual([])
  })

  it('takes back what it has begun when it is interrupted', async () => {
    const caught = new Promise<void>((resolve) => {
      gate.intercept = ({ method }) => {
        if (method === 'PATCH') resolve()
        return method === 'PATCH'
      }
    })
    const client = home.start(['doctor', '-s', gate.address], { FERRY_LANG: 'en' })
    await caught
    expect((await server.inbox()).length).toBe(1)
    const { code } = await client.kill('SIGINT')
    gate.intercept = () => false
    expect(code).toBe(130)
    expect(await server.inbox()).toEqual([])
  })

  it('finds a proxy that holds requests back until they are complete', async () => {
    gate.holdsBack = true
    const { code, at } = await examine(gate.address)
    gate.holdsBack = false
    expect(at('streaming')).toMatchObject({ level: 'warning', streams: false })
    expect(at('streaming')?.message).toMatch(/proxy_request_buffering off/)
    expect(code).toBe(0)
  })

  it('finds a proxy that lets PATCH not through', async () => {
    gate.intercept = (request, response) => {
      if (request.method === 'PATCH') response.writeHead(405).end()
      return request.method === 'PATCH'
    }
    const { code, at } = await examine(gate.address)
    gate.intercept = () => false
    expect(at('protocol')).toMatchObject({ level: 'problem', method: 'PATCH', status: 405 })
    expect(code).toBe(1)
    expect(await server.inbox()).toEqual([])
  })

  it('finds a proxy that loses the headers of uploads', async () => {
    gate.drops = ['upload-offset']
    const { at } = await examine(gate.address)
    gate.drops = ['location']
    const other = await examine(gate.address)
    gate.drops = []
    expect(at('protocol')).toMatchObject({ level: 'problem', method: 'PATCH', missing: 'Upload-Offset' })
    expect(other.at('protocol')).toMatchObject({ level: 'problem', method: 'POST', missing: 'Location' })
  })

  it('knows a server whose limit is below what it would measure with', async () => {
    const small = await TestServer.start({ env: { MAX_SIZE: '1MB' } })
    const { code, at } = await examine(small.address)
    await small.stop()
    expect(at('upload')).toMatchObject({ level: 'warning', measured: false })
    expect(at('upload')?.message).toMatch(/MAX_SIZE/)
    expect(code).toBe(0)
  })

  it('measures with /check where a proxy keeps /healthz and /readyz to itself', async () => {
    gate.intercept = (request, response) => {
      const isHidden = /^\/(healthz|readyz)/.test(request.url ?? '')
      if (isHidden) response.writeHead(404).end()
      return isHidden
    }
    const { code, at } = await examine(gate.address)
    gate.intercept = () => false
    expect(at('http')).toMatchObject({ level: 'ok', path: '/check', status: 200 })
    expect(code).toBe(0)
  })

  it('warns of clocks that differ', async () => {
    gate.intercept = (request, response) => {
      const isFirst = request.url === '/healthz'
      if (isFirst) response.writeHead(200, { date: new Date(Date.now() - 3_600_000).toUTCString() }).end()
      return isFirst
    }
    const { at } = await examine(gate.address)
    gate.intercept = () => false
    expect(at('clock')?.level).toBe('warning')
    expect(Math.round(Number(at('clock')?.['skewSeconds']) / 60)).toBe(-60)
  })

  it('looks at the proxy where one is in use', async () => {
    const proxy = await ForwardProxy.start()
    const { code, at } = await examine(`files.test:${server.port}`, [], {
      HTTP_PROXY: `http://a:b@${proxy.address}`,
    })
    expect(code).toBe(0)
    expect(at('proxy')).toMatchObject({ proxy: `http://${proxy.address}` })
    expect(at('connect')?.message).toContain(proxy.address)
    expect(at('upload')?.level).toBe('ok')
    await proxy.stop()
  })

  describe.skipIf(!find('openssl'))(`with https${missing('openssl')}`, () => {
    it.each([
      ['files.test', 'DNS:files.test', 90, /more day/, 'ok'],
      ['files.test', 'DNS:files.test', 3, /expires in [23] day.*renew/, 'warning'],
      ['files.test', 'DNS:other.test', 90, /not for files\.test but for DNS:other\.test/, 'problem'],
    ] as const)(
      'judges the certificate for %s of %s with %d days',
      async (host, names, days, expected, level) => {
        const certificate = selfSigned(home.dir, names, days)
        const secure = await Gate.to(server.port, certificate)
        const proxy = await ForwardProxy.start()
        const env = { HTTPS_PROXY: `http://${proxy.address}` }
        const { at, code } = await examine(`https://${host}:${secure.port}`, ['--ca', certificate.path], env)
        expect(at('tls')).toMatchObject({ level })
        expect(at('tls')?.message).toMatch(expected)
        expect(code).toBe(level === 'problem' ? 1 : 0)
        await Promise.all([secure.stop(), proxy.stop()])
      },
    )

    it('says whom it does not trust, having told nobody the token', async () => {
      const secure = await Gate.to(server.port, selfSigned(home.dir, 'IP:127.0.0.1'))
      const { code, seen } = await examine(`https://${secure.address}`, ['--token', 'sesame'])
      expect(code).toBe(1)
      expect(seen.at(-1)).toMatchObject({
        step: 'tls',
        level: 'problem',
        trusted: false,
        issuer: 'Ferry Tests',
      })
      expect(seen.at(-1)?.message).toMatch(/--ca FILE/)
      expect(secure.seen.map(({ headers }) => headers.authorization)).toEqual([undefined])
      await secure.stop()
    })

    it('knows http where https was expected', async () => {
      const { seen } = await examine(`https://${server.address}`)
      expect(seen.at(-1)).toMatchObject({ step: 'tls', level: 'problem' })
    })
  })
})

import { readFile } from 'node:fs/promises'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { Readable, pipeline } from 'node:stream'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { ClientHome, type Outcome } from '../support/client.js'
import { FakeFerry, type Intercept } from '../support/fake-ferry.js'
import { content, md5 } from '../support/tus.js'

const TOKEN = 'the-secret-of-the-user'
const ENV = { FERRY_LANG: 'en', FERRY_TOKEN: TOKEN }
const MIB = 1024 * 1024
/** What clears a screen, sets a title, rings, overprints, turns what follows, or breaks a line. */
const STEER = '\u001B[2J\u001B]0;x\u0007\u009B31m\r\b\u202E\u2066\u200F\u061C\u2028'
// oxlint-disable-next-line no-control-regex
const STEERING = /[\u0000-\u0009\u000B-\u001F\u007F-\u009F\u2028\u2029]|\p{Bidi_Control}/u

/** A server that means its clients no good. The client is the real one, and shall end by itself. */
describe('a hostile server', () => {
  let server: FakeFerry
  let home: ClientHome
  beforeEach(async () => {
    server = await FakeFerry.start()
    home = await ClientHome.create()
  })
  afterEach(() => Promise.all([server.stop(), home.remove()]))

  const run = (...args: string[]): Promise<Outcome> => home.run(args, ENV)
  const file = (size = 9) => home.write('a.mp4', content(size).bytes)
  const upload = async (size?: number, ...args: string[]) =>
    run('upload', '-s', server.url, '--retry-for', '2s', ...args, await file(size))
  /** The documented call, which has no subcommand. */
  const send = async (size?: number) =>
    run('-file', await file(size), '-server', server.url, '-retry-for', '2s')
  const isTo = ({ method, url }: IncomingMessage, wanted: string, path: string) =>
    method === wanted && url!.startsWith(path)

  describe('can not write to the terminal', () => {
    const texts = `${STEER}evil`
    const says =
      (status: number, body: object): Intercept =>
      (_request, response) => {
        response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
        return true
      }
    const points: Intercept = (_request, response) => {
      // As bytes: the library would not send them.
      response.socket!.end(
        Buffer.from(
          `HTTP/1.1 302 ${texts}\r\nLocation: http://a.example/${texts.replaceAll('\r', '')}\r\nContent-Length: 0\r\n\r\n`,
        ),
      )
      return true
    }
    const lies: [string, Intercept][] = [
      ['a link', says(200, { status: 'exists', url: `http://a.example/${texts}`, size: 9 })],
      ['a message', says(400, { status: 'error', code: texts, message: texts })],
      ['a message of trouble', says(503, { status: 'error', code: 'x', message: texts })],
      ['plain text', (_request, response) => (response.writeHead(503).end(texts), true)],
      ['numbers that are none', says(200, { status: 'uploading', offset: texts, size: texts })],
      ['the head of an answer', points],
    ]

    it.each(lies)('by %s, to people or to programs', async (_what, intercept) => {
      server.intercept = intercept
      const outcomes = [
        await send(),
        await upload(),
        await upload(9, '--json'),
        await run('check', '-s', server.url, '--retry-for', '1s', '--json', home.path('a.mp4')),
        await run('link', '-s', server.url, '--retry-for', '1s', home.path('a.mp4')),
        await run('get', '-s', server.url, '--retry-for', '0s', `${server.url}/files/${'0'.repeat(32)}.mp4`),
      ]
      for (const { stdout, stderr } of outcomes) {
        expect(stdout + stderr).not.toBe('')
        expect(stdout + stderr).not.toMatch(STEERING)
      }
    })

    it('by the name of a file', async () => {
      const bytes = Buffer.from('some content')
      server.intercept = offers(bytes, `${STEER}evil.mp4`)
      const { stdout, stderr, code } = await run('get', '-s', server.url, link(bytes))
      expect(code).toBe(0)
      expect(stdout + stderr).not.toMatch(STEERING)
    })
  })

  describe('can not choose where a file goes', () => {
    const names: [name: string, becomes: string][] = [
      ['../../evil.mp4', 'evil.mp4'],
      ['/etc/cron.d/evil', 'evil'],
      ['..\\..\\evil.mp4', 'evil.mp4'],
      ['C:\\Windows\\evil.mp4', 'evil.mp4'],
      ['.bashrc', 'bashrc'],
      ['..', ''],
      ['%2e%2e%2fevil.mp4', '%2e%2e%2fevil.mp4'],
      ['nul', '_nul'],
      ['\u202Egpj.exe', 'gpj.exe'],
      ['x'.repeat(600), 'x'.repeat(225)],
    ]

    it.each(names)('by the name %s', async (name, becomes) => {
      const bytes = Buffer.from('some content')
      server.intercept = offers(bytes, name)
      const { code, stdout } = await run('get', '-s', server.url, link(bytes), '-o', `${home.path('in')}/`)
      expect(code).toBe(0)
      const expected = home.path(`in/${becomes || `${md5(bytes)}.mp4`}`)
      expect(stdout.trim()).toBe(expected)
      expect(await readFile(expected)).toEqual(bytes)
    })
  })

  describe('can not keep it running', () => {
    it('by redirects in a circle', async () => {
      server.intercept = (request, response) => {
        response.writeHead(302, { location: request.url === '/a' ? '/b' : '/a' }).end()
        return true
      }
      const { code } = await run('get', '-s', server.url, '--retry-for', '2s', link(Buffer.from('x')))
      expect(code).toBe(1)
      expect(server.log.length).toBeLessThan(20)
    })

    it('by refusing every piece', async () => {
      server.intercept = (request, response) => {
        if (request.method !== 'PATCH') return false
        response.writeHead(409, { 'tus-resumable': '1.0.0' }).end()
        return true
      }
      const { code } = await upload(MIB)
      expect(code).toBe(1)
      expect(server.log.length).toBeLessThan(80)
    })

    it('by an offset that goes back: it takes some bytes, loses them, and begins anew', async () => {
      let id = 0
      server.intercept = (request, response) => {
        const answer = (status: number, headers: Record<string, string | number> = {}) => {
          request.resume()
          response.writeHead(status, { 'tus-resumable': '1.0.0', ...headers }).end()
          return true
        }
        if (request.url!.startsWith('/check')) return false
        if (request.method === 'POST') return answer(201, { location: `/tus/${(id += 1)}` })
        if (request.method === 'HEAD') return answer(200, { 'upload-offset': 0, 'upload-length': MIB })
        return request.headers['upload-offset'] === '0'
          ? answer(204, { 'upload-offset': 65_536 })
          : answer(409)
      }
      const args = ['--chunk-size', '64K', '--hash-first']
      expect((await upload(MIB, ...args)).code).toBe(1)
    })

    it('by asking for more patience than there is, or than a timer has', async () => {
      server.intercept = (_request, response) => {
        response.writeHead(503, { 'retry-after': '9'.repeat(30) }).end()
        return true
      }
      const { code, stderr } = await send()
      expect(code).toBe(1)
      expect(stderr).not.toContain('TimeoutOverflowWarning')
      expect(server.log.length).toBeLessThan(5)
    })

    it('busy, by saying at once and for ever that somebody else is at it', async () => {
      server.intercept = (request, response) => {
        if (!isTo(request, 'GET', '/check')) return false
        response.writeHead(200).end('{"status":"uploading","offset":1}')
        return true
      }
      const client = home.start(['upload', '-s', server.url, '--wait', await file()], ENV)
      await client.until(/[Ww]ait/)
      const before = server.log.length
      await new Promise((resolve) => void setTimeout(resolve, 2000))
      await client.kill('SIGINT')
      // Twice a second and not as fast as it can.
      expect(server.log.length - before).toBeLessThan(10)
    })

    it('by pointing to where nothing can be', async () => {
      for (const location of ['http://[', 'file:///etc/passwd', 'javascript:alert(1)', 'http://a:99999/']) {
        server.intercept = (request, response) => {
          if (request.method !== 'POST') return false
          response.writeHead(201, { location, 'tus-resumable': '1.0.0' }).end()
          return true
        }
        const { code, stderr } = await send()
        expect(code, location).toBe(1)
        expect(stderr, location).not.toMatch(/ at |Invalid URL|ERR_/)
      }
    })
  })

  describe('can not fill its memory', () => {
    /** A body without an end; there is none where there may be none. */
    const endless = (
      request: IncomingMessage,
      response: ServerResponse,
      status: number,
      headers: Record<string, string> = {},
    ): true => {
      response.writeHead(status, { 'tus-resumable': '1.0.0', ...headers }).on('error', () => undefined)
      if (request.method === 'HEAD') response.end()
      else pipeline(Readable.from(forEver()), response, () => undefined)
      return true
    }
    function* forEver(): Generator<Buffer> {
      for (;;) yield Buffer.alloc(65_536, '[')
    }
    /** Heap and buffers of a client that takes more than this would be killed, and end by a signal or 134. */
    const narrow = { ...ENV, NODE_OPTIONS: '--max-old-space-size=64' }
    const peak = async (args: string[]): Promise<{ outcome: Outcome; bytes: number }> => {
      const client = home.start(args, narrow)
      let bytes = 0
      const look = setInterval(() => {
        void readFile(`/proc/${client.child.pid}/status`, 'utf8').then(
          (status) => (bytes = Math.max(bytes, Number(/^VmHWM:\s+(\d+)/m.exec(status)?.[1] ?? 0) * 1024)),
          () => undefined,
        )
      }, 20)
      const outcome = await client.outcome
      clearInterval(look)
      return { outcome, bytes }
    }
    const answers: [string, Intercept][] = [
      ['to /check', (request, response) => isTo(request, 'GET', '/check') && endless(request, response, 200)],
      [
        'to a creation',
        (request, response) =>
          request.method === 'POST' && endless(request, response, 201, { location: '/tus/1' }),
      ],
      ['to a piece', (request, response) => request.method === 'PATCH' && endless(request, response, 400)],
      [
        'to a piece that is well',
        (request, response) =>
          request.method === 'PATCH' && endless(request, response, 200, { 'upload-offset': '9' }),
      ],
    ]

    it.each(answers)('by an endless answer %s', async (_to, intercept) => {
      server.intercept = intercept
      const { outcome, bytes } = await peak([
        '-file',
        await file(),
        '-server',
        server.url,
        '-retry-for',
        '1s',
      ])
      expect(outcome).toMatchObject({ code: 1, signal: null })
      expect(bytes).toBeLessThan(250 * MIB)
    })

    it('by an endless file, error or head', async () => {
      const intercepts: Intercept[] = [
        (request, response) =>
          request.method === 'GET' && endless(request, response, 200, { 'content-type': 'video/mp4' }),
        (request, response) => endless(request, response, 500),
        (_request, response) => {
          response.socket!.write(`HTTP/1.1 200 OK\r\n${`X: ${'x'.repeat(1000)}\r\n`.repeat(10_000)}\r\n`)
          return true
        },
      ]
      for (const intercept of intercepts) {
        server.intercept = intercept
        const { outcome, bytes } = await peak([
          'get',
          '-s',
          server.url,
          '--retry-for',
          '0s',
          link(Buffer.from('x')),
        ])
        expect(outcome.code).toBe(1)
        expect(bytes).toBeLessThan(250 * MIB)
      }
    })
  })

  describe('can not have the token for another host', () => {
    let other: FakeFerry
    const heard: IncomingMessage[] = []
    beforeEach(async () => {
      heard.length = 0
      other = await FakeFerry.start()
      other.intercept = (request) => {
        heard.push(request)
        return false
      }
    })
    afterEach(() => other.stop())

    /** Nobody but the server that the user named has heard it. */
    const expectKept = () => {
      for (const { rawHeaders } of heard) expect(rawHeaders.join('\n')).not.toContain(TOKEN)
    }

    it('by redirects of a question or a creation', async () => {
      for (const method of ['GET', 'POST']) {
        server.intercept = (request, response) => {
          if (request.method !== method) return false
          response.writeHead(307, { location: other.url + request.url }).end()
          return true
        }
        await upload()
        expectKept()
      }
    })

    it('by a redirect of a download', async () => {
      const bytes = Buffer.from('some content')
      other.intercept = (request, response) => {
        heard.push(request)
        return offers(bytes, 'a.mp4')(request, response)
      }
      server.intercept = (request, response) => {
        response.writeHead(302, { location: other.url + request.url }).end()
        return true
      }
      expect((await run('get', '-s', server.url, link(bytes))).code).toBe(0)
      expect(heard).not.toEqual([])
      expectKept()
    })

    it('by the Location of an upload, or the link of a file', async () => {
      server.intercept = (request, response) => {
        if (request.method !== 'POST') return false
        response.writeHead(201, { location: `${other.url}/elsewhere/1`, 'tus-resumable': '1.0.0' }).end()
        return true
      }
      await upload(MIB, '--hash-first')
      expect(heard).not.toEqual([])
      expectKept()
      server.intercept = (request, response) => {
        if (!isTo(request, 'GET', '/check')) return false
        response
          .writeHead(200)
          .end(JSON.stringify({ status: 'exists', url: `${other.url}/files/x`, size: 9 }))
        return true
      }
      expect((await upload()).code).toBe(0)
      expectKept()
    })
  })

  /** Where that content would be. */
  function link(bytes: Buffer): string {
    return `${server.url}/files/${md5(bytes)}.mp4`
  }

  /** Gives this content under that name, in UTF-8, whatever the standard says; controls only where a head may have them. */
  function offers(bytes: Buffer, name: string): Intercept {
    // oxlint-disable-next-line no-control-regex
    const plain = name.replaceAll('\\', '\\\\').replace(/[\u0000-\u001F\u007F]/g, '')
    return (request, response) => {
      const head = [
        'HTTP/1.1 200 OK',
        `Content-Length: ${bytes.length}`,
        `ETag: "${md5(bytes)}"`,
        `Content-Disposition: attachment; filename="${plain}"; filename*=UTF-8''${encodeURIComponent(name)}`,
        'Connection: close',
      ]
      response.socket!.write(`${head.join('\r\n')}\r\n\r\n`)
      response.socket!.end(request.method === 'HEAD' ? '' : bytes)
      return true
    }
  }
})

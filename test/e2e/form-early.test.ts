import { execFile, execFileSync } from 'node:child_process'
import { openAsBlob } from 'node:fs'
import { mkdtemp, open, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { filePart, formBytes, post } from '../support/form.js'
import { TestServer } from '../support/server.js'
import { find, missing } from '../support/tools.js'
import { content, tus } from '../support/tus.js'

const run = promisify(execFile)
/** What every sender means to send: it would take each of them a while. */
const MIB = 300
const ROUNDS = 2

interface Sender {
  name: string
  /** Why it can't be tried here; empty where it can. */
  skipped: string
  /** Sends a form of 300 MiB; resolves with `<status> <body>` as the client saw it, rejects where it saw an error. */
  send: (server: TestServer, path: string) => Promise<string>
}

describe('an answer that needs no body reaches a client that is still sending it', () => {
  let dir: string
  let server: TestServer
  /** Uploads that have to be ended after the test. */
  const live: string[] = []
  const zeros = () => join(dir, 'zeros.bin')
  const curl = (headers: string[]) => (server: TestServer, path: string) =>
    output('curl', [
      '-sS',
      ...headers,
      '-F',
      `file=@${zeros()}`,
      '-w',
      '\n%{http_code}',
      server.url + path,
    ]).then((text) => text.replace(/^(.*)\n(\d+)$/s, '$2 $1'))
  const python = (script: string, ...args: string[]) => {
    return (server: TestServer, path: string) =>
      output('python3', [program(script), server.address, path, ...args])
  }
  const senders: Sender[] = [
    { name: 'curl -F', skipped: missing('curl'), send: curl([]) },
    { name: 'curl -F without Expect', skipped: missing('curl'), send: curl(['-H', 'Expect:']) },
    {
      name: 'curl -F with Expect: 100-continue',
      skipped: missing('curl'),
      send: curl(['-H', 'Expect: 100-continue']),
    },
    {
      name: 'Python’s http.client with a length',
      skipped: missing('python3'),
      send: python('http_client.py', 'length', String(MIB)),
    },
    {
      name: 'Python’s http.client in chunks',
      skipped: missing('python3'),
      send: python('http_client.py', 'chunked', String(MIB)),
    },
    { name: 'Python requests', skipped: withoutRequests(), send: python('requests_files.py', String(MIB)) },
    { name: 'the fetch of Node', skipped: '', send: (server, path) => fetchForm(server.url + path, zeros()) },
    {
      name: 'Go’s net/http',
      skipped: find('go') ? '' : ' (skipped: go not installed)',
      send: (server, path) => output(join(dir, 'post'), [server.address, path, String(MIB)]),
    },
  ]

  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'ferry-senders-'))
    const sparse = await open(zeros(), 'w')
    await sparse.truncate(MIB * 1024 * 1024)
    await sparse.close()
    server = await TestServer.start({ env: { MAX_SIZE: '50MB' } })
    if (find('go'))
      await run('go', ['build', '-o', join(dir, 'post'), program('post.go')], { env: offline() })
  }, 180_000)
  afterAll(async () => {
    await server.stop()
    await rm(dir, { recursive: true })
  })
  afterEach(async () => {
    for (const url of live.splice(0)) await tus.terminate(url)
    await expect.poll(() => server.inbox(), { timeout: 10_000 }).toEqual([])
    expect(server.output).not.toMatch(/\[ERROR\]|Error:/)
  })

  const situations: Record<string, { status: number; reply: object; arrange: () => Promise<string> }> = {
    'that it exists': {
      status: 200,
      reply: { status: 'exists' },
      arrange: async () => `md5=${await stored()}`,
    },
    'that somebody else is at it': {
      status: 200,
      reply: { status: 'uploading' },
      arrange: async () => {
        const { md5 } = content(1)
        const created = await tus.create(server.url, 1000, { md5 })
        live.push(tus.location(server.url, created))
        return `md5=${md5}`
      },
    },
    'that the MD5 is none': {
      status: 400,
      reply: { status: 'error', code: 'bad-md5' },
      arrange: () => Promise.resolve('md5=none'),
    },
    'that it is too large': {
      status: 413,
      reply: { status: 'error', code: 'too-large' },
      arrange: () => Promise.resolve(''),
    },
  }
  const stored = async () => {
    const { bytes, md5 } = content(1000)
    await post(server.url, formBytes({ head: filePart('a.mp4'), body: bytes }))
    return md5
  }

  for (const { name, skipped, send } of senders) {
    describe.skipIf(skipped)(`${name}${skipped}`, () => {
      it.each(Object.entries(situations))(
        'hears %s, every time',
        async (_what, { status, reply, arrange }) => {
          const query = await arrange()
          for (let round = 0; round < ROUNDS; round++) {
            const answer = await send(server, `/upload?${query}`)
            expect(answer.slice(0, 3)).toBe(String(status))
            expect(JSON.parse(answer.slice(3))).toMatchObject(reply)
          }
        },
      )
    })
  }

  it.skipIf(missing('python3'))(
    `even a client that looks only after 1500 MiB${missing('python3')}`,
    async () => {
      for (const mode of ['length', 'chunked']) {
        const answer = await python('http_client.py', mode, '1500')(server, `/upload?md5=${await stored()}`)
        expect(answer).toMatch(/^200 .*"exists"/)
      }
    },
  )
})

function program(name: string): string {
  return fileURLToPath(new URL(`../support/senders/${name}`, import.meta.url))
}

async function output(command: string, args: string[]): Promise<string> {
  const { stdout } = await run(command, args, { env: offline() })
  return stdout.trim()
}

/** The environment without what would lead our requests elsewhere or make `go` fetch something. */
function offline(): NodeJS.ProcessEnv {
  const {
    http_proxy: _lower,
    HTTP_PROXY: _upper,
    ALL_PROXY: _all,
    all_proxy: _allLower,
    ...env
  } = process.env
  return { ...env, NO_PROXY: '*', GOTOOLCHAIN: 'local', GOPROXY: 'off', GO111MODULE: 'off' }
}

async function fetchForm(url: string, path: string): Promise<string> {
  const form = new FormData()
  form.set('file', await openAsBlob(path), 'zeros.bin')
  const response = await fetch(url, { method: 'POST', body: form })
  return `${response.status} ${await response.text()}`
}

function withoutRequests(): string {
  if (!find('python3')) return missing('python3')
  try {
    execFileSync('python3', ['-c', 'import requests'], { stdio: 'ignore' })
    return ''
  } catch {
    return ' (skipped: python requests not installed)'
  }
}

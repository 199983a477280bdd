import { PassThrough } from 'node:stream'
import { describe, expect, it } from 'vitest'
import type { GetOrder, UploadOrder } from '#cli/commands/order.js'
import { nearestCommand, startsWithCommand } from '#cli/commands/names.js'
import { runCommand } from '#cli/commands/program.js'
import type { Surroundings } from '#cli/commands/surroundings.js'
import { parseBytes } from '#cli/commands/values.js'
import { ClientError } from '#cli/errors.js'
import { testFolder } from '../../../support/folder.js'

interface Seen {
  code: number
  upload?: UploadOrder
  get?: GetOrder
  stdout: string
  stderr: string
}

async function run(argv: string[], env: Record<string, string> = {}): Promise<Seen> {
  const seen: Seen = { code: 0, stdout: '', stderr: '' }
  const stream = (name: 'stdout' | 'stderr') =>
    new PassThrough().on('data', (text: Buffer) => (seen[name] += text.toString())) as never
  const folder = testFolder()
  const surroundings: Surroundings = {
    env: { XDG_CONFIG_HOME: folder, ...env },
    platform: 'linux',
    folder: '/here',
    packageFolder: folder,
    version: '1.2.3',
    language: 'en',
    stdin: stream('stderr'),
    stdout: stream('stdout'),
    stderr: stream('stderr'),
    signal: new AbortController().signal,
  }
  seen.code = await runCommand(argv, surroundings, {
    upload: (order) => Promise.resolve(((seen.upload = order), 0)),
    get: (order) => Promise.resolve(((seen.get = order), 0)),
  })
  return seen
}

async function complaint(argv: string[], env: Record<string, string> = {}): Promise<string> {
  const error: unknown = await run(argv, env).catch((thrown: unknown) => thrown)
  if (!(error instanceof ClientError)) throw error
  expect(error.code).toBe('bad-usage')
  return error.facts.reason ?? ''
}

describe('the first argument', () => {
  it.each(['upload', 'get', 'check', 'link', 'login', 'doctor', 'completion', 'help'])(
    '%s is a command',
    (word) => {
      expect(startsWithCommand([word])).toBe(true)
    },
  )

  it.each([
    ['uplaod', 'upload'],
    ['chekc', 'check'],
    ['gt', 'get'],
    ['docter', 'doctor'],
  ])('%s probably means %s', (word, name) => {
    expect(nearestCommand(word)).toBe(name)
  })

  it.each([[], ['-file', 'x'], ['--help'], ['-V'], ['film.mp4'], ['a.mp4', '-file', 'x'], ['-f', 'upload']])(
    'of the documented call is none: %j',
    (...argv) => {
      expect(startsWithCommand(argv)).toBe(false)
    },
  )
})

describe('upload', () => {
  it('has sensible values where nothing is said', async () => {
    const { upload } = await run(['upload', 'a', 'dir', '-'])
    expect(upload).toMatchObject({
      sources: ['a', 'dir', '-'],
      server: 'http://127.0.0.1:80',
      concurrency: 4,
      hashFirst: false,
      strict: false,
      wait: false,
      dryRun: false,
      include: [],
      exclude: [],
      hidden: false,
      followLinks: false,
      useCache: true,
      retryForMs: 600_000,
      retryFor: '10m',
      isJson: false,
    })
    const { limitRate, chunkSize, maxSize, manifest, name } = upload!
    expect([limitRate, chunkSize, maxSize, manifest, name]).toEqual(Array(5).fill(undefined))
  })

  it('takes every option', async () => {
    const { upload } = await run(
      (
        'upload - -s files.example:8080 --concurrency 8 --hash-first --strict --wait --limit-rate 5M --chunk-size 64K ' +
        '-n --include *.mp4 --include *.mkv --exclude tmp --max-size 2G --hidden --follow-links --manifest m.list ' +
        '--name x.tar --no-cache --retry-for 1h30m --json -q --no-progress'
      ).split(' '),
    )
    expect(upload).toMatchObject({
      sources: ['-'],
      server: 'http://files.example:8080',
      concurrency: 8,
      hashFirst: true,
      strict: true,
      wait: true,
      limitRate: 5 * 1024 ** 2,
      chunkSize: 65_536,
      dryRun: true,
      include: ['*.mp4', '*.mkv'],
      exclude: ['tmp'],
      maxSize: 2 * 1024 ** 3,
      hidden: true,
      followLinks: true,
      manifest: '/here/m.list',
      name: 'x.tar',
      useCache: false,
      retryForMs: 5_400_000,
      isJson: true,
    })
  })

  it('takes every option from the environment, and what is typed before it', async () => {
    const env = {
      FERRY_SERVER: 'env.example',
      FERRY_CONCURRENCY: '2',
      FERRY_HASH_FIRST: '1',
      FERRY_WAIT: '0',
      FERRY_NO_CACHE: 'yes',
      FERRY_HIDDEN: '',
      FERRY_INCLUDE: '*.a\n*.b',
      FERRY_RETRY_FOR: '5s',
    }
    const { upload } = await run(['upload', 'a', '--concurrency', '3'], env)
    expect(upload).toMatchObject({
      server: 'http://env.example',
      concurrency: 3,
      hashFirst: true,
      wait: false,
      useCache: false,
      hidden: false,
      include: ['*.a', '*.b'],
      retryForMs: 5000,
    })
  })

  it('has a way that carries the token to the server', async () => {
    const { upload } = await run(['upload', 'a', '-s', 'a.example', '--token', 't'])
    expect(upload?.way.headersFor('http://a.example/tus')).toEqual({ authorization: 'Bearer t' })
  })
})

describe('get', () => {
  it('takes URLs, MD5s and a list', async () => {
    const md5 = 'D41D8CD98F00B204E9800998ECF8427E'
    const { get } = await run([
      'get',
      'http://x/files/y',
      md5,
      '--all',
      'l',
      '-o',
      'out/',
      '--connections',
      '2',
      '-f',
    ])
    expect(get).toMatchObject({
      wanted: [
        { kind: 'url', url: 'http://x/files/y' },
        { kind: 'md5', md5: md5.toLowerCase() },
        { kind: 'manifest', path: '/here/l' },
      ],
      output: 'out/',
      connections: 2,
      force: true,
      limitRate: undefined,
    })
  })

  it('uses as many connections as help, unless a number is given', async () => {
    const connections = async (argv: string[], env = {}) =>
      (await run(['get', 'http://x/files/y', ...argv], env)).get?.connections
    expect(await connections([])).toBe('auto')
    expect(await connections(['--connections', 'auto'], { FERRY_CONNECTIONS: '3' })).toBe('auto')
    expect(await connections(['--connections', '8'])).toBe(8)
    expect(await connections([], { FERRY_CONNECTIONS: '3' })).toBe(3)
  })
})

describe('wrong usage is said in one line with what to do:', () => {
  it.each([
    ['uplaod x', /uplaod.*ferry upload/],
    ['upload', /needs to know what.*ferry help upload/],
    ['upload x --concurency 3', /--concurency.*--concurrency/],
    ['upload x --concurrency', /--concurrency.*needs a value/],
    ['upload x --concurrency 0', /--concurrency.*"0".*from 1 to 64/],
    ['get x --connections 0', /--connections.*"0".*auto.*from 1 to 8/],
    ['get x --connections 9', /--connections.*"9".*auto.*from 1 to 8/],
    ['upload x --limit-rate fast', /--limit-rate.*"fast".*5M/],
    ['upload x --name y', /--name.*-/],
    ['upload - -', /only once/],
    ['get', /--all/],
    ['get nonsense', /nonsense.*URL.*MD5/],
    ['get a3aca2964e72000eea4c56cb341002a4 a3aca2964e72000eea4c56cb341002a5 -o -', /--output/],
    ['completion tcsh', /tcsh.*ferry help completion/],
    ['help nonsense', /nonsense.*ferry help/],
    ['login a b', /too many.*ferry help login/],
  ])('%s', async (line, expected) => {
    const reason = await complaint(line.split(' '))
    expect(reason).toMatch(expected)
    expect(reason).not.toMatch(/\n/)
  })

  it('names a variable that is wrong', async () => {
    expect(await complaint(['upload', 'x'], { FERRY_CONCURRENCY: 'many' })).toMatch(
      /FERRY_CONCURRENCY.*"many"/,
    )
    expect(await complaint(['upload', 'x'], { FERRY_WAIT: 'perhaps' })).toMatch(/FERRY_WAIT.*"perhaps"/)
  })
})

describe('help', () => {
  it.each(['upload', 'get', 'check', 'link', 'login', 'doctor', 'completion'])(
    'of %s has its options and examples, both ways',
    async (name) => {
      const { stdout } = await run(['help', name])
      expect(stdout).toBe((await run([name, '--help'])).stdout)
      expect(stdout).toMatch(new RegExp(`Usage: ferry ${name}[^]*Examples:\\n  [^]*ferry ${name}`))
      expect(stdout).not.toContain('undefined')
      expect(stdout).not.toContain('\u001B')
    },
  )

  it('lists all commands', async () => {
    const { stdout } = await run(['help'])
    for (const name of ['upload', 'get', 'check', 'link', 'login', 'doctor', 'completion'])
      expect(stdout).toMatch(new RegExp(`^  ${name} `, 'm'))
  })
})

describe('parseBytes', () => {
  it.each([
    ['1', 1],
    ['500k', 512_000],
    ['5M', 5_242_880],
    ['1.5G', 1_610_612_736],
    ['2MB', 2_097_152],
    ['1 GiB', 1024 ** 3],
  ])('%s is %d', (text, bytes) => {
    expect(parseBytes(text)).toBe(bytes)
  })

  it.each(['', '0', '-1', 'M', '5X', '1e3', '5M/s', '99999999T'])('%j is no size', (text) => {
    expect(parseBytes(text)).toBeUndefined()
  })
})

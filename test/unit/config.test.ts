import { parseConfig, parseSize, type Config } from '#src/config.js'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'

function config(file: Record<string, string>, environment: Record<string, string> = {}): Config {
  const parsed = parseConfig(file, environment, '/srv/ferry')
  if ('bad' in parsed) throw new Error(JSON.stringify(parsed.bad))
  return parsed.config
}

const ROOT = fileURLToPath(new URL('../../', import.meta.url))
const PAGES = ['README.md', 'README.zh-CN.md', 'docs/operations.md', 'docs/operations.zh-CN.md']

describe('the settings', () => {
  it.each(PAGES)('all stand in %s with their defaults, and no others do', (page) => {
    const source = readFileSync(`${ROOT}src/config.ts`, 'utf8')
    const [, block] = /const DEFAULTS = \{\n(.*?)\n\}/s.exec(source)!
    const settings = [...block!.matchAll(/^ {2}(\w+): '(.*)',$/gm)].map(([, key, value]) => [key!, value!])
    const table = readFileSync(ROOT + page, 'utf8').matchAll(/^\| `([A-Z_]{4,})` +\| (`(.*?)`|none|无) /gm)
    const told = [...table].map(([, key, , value = '']) => [key!, value] as const)
    expect(Object.fromEntries(told)).toEqual(Object.fromEntries(settings))
  })
})

describe('parseConfig', () => {
  it('has a default for everything', () => {
    expect(config({})).toMatchObject({
      host: '127.0.0.1',
      port: 80,
      bind: '0.0.0.0',
      filesDir: '/srv/ferry/files',
      tmpDir: '/srv/ferry/tmp',
      publicUrl: 'http://127.0.0.1:80',
      maxSize: 0,
      ttlHours: 24,
      leaseSeconds: 60,
      logFormat: 'text',
    })
  })

  it('lets the environment win over the file, and an empty value count as none', () => {
    const { host, port } = config({ HOST: '1.2.3.4', HTTP_PORT: '8080' }, { HOST: '5.6.7.8', HTTP_PORT: '' })
    expect({ host, port }).toEqual({ host: '5.6.7.8', port: 8080 })
  })

  it('writes the public URL with its port, IPv6 in brackets, or as the operator says', () => {
    expect(config({ HOST: 'a.example' }).publicUrl).toBe('http://a.example:80')
    expect(config({ HOST: '[::1]', HTTP_PORT: '8080' }).publicUrl).toBe('http://[::1]:8080')
    expect(config({ PUBLIC_URL: 'https://a.example/f//' }).publicUrl).toBe('https://a.example/f')
  })

  it('lists every bad value at once', () => {
    const parsed = parseConfig({ HOST: 'a b', HTTP_PORT: '0', LEASE_SECONDS: 'x' }, {}, '/')
    expect('bad' in parsed && parsed.bad.map(({ key }) => key)).toEqual([
      'HOST',
      'HTTP_PORT',
      'LEASE_SECONDS',
    ])
  })

  it.each([
    ['HOST', '1.2.3.999'],
    ['HOST', '9007199254740992'],
    ['PUBLIC_URL', 'http://a.example/?'],
    ['PUBLIC_URL', 'http://a.example/#'],
    ['PUBLIC_URL', 'http://:word@a.example'],
  ])('takes no %s=%s, of which no link could be made', (key, value) => {
    const parsed = parseConfig({ [key]: value }, {}, '/')
    expect('bad' in parsed && parsed.bad.map((bad) => bad.key)).toEqual([key])
  })

  it('can not be changed afterwards', () => {
    expect(Object.isFrozen(config({}))).toBe(true)
  })
})

describe('parseSize', () => {
  it.each([
    ['0', 0],
    ['512', 512],
    ['10GB', 10 * 1024 ** 3],
    ['10 GiB', 10 * 1024 ** 3],
    ['1.5m', 1.5 * 1024 ** 2],
    ['2T', 2 * 1024 ** 4],
    ['much', undefined],
    ['-1', undefined],
    ['1XB', undefined],
    ['99999999T', undefined],
  ])('reads %s as %s bytes', (text, bytes) => {
    expect(parseSize(text)).toBe(bytes)
  })
})

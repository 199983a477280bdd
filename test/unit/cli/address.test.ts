import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { defaultServer, parseServer } from '#cli/address.js'

describe('parseServer', () => {
  it.each([
    ['43.229.212.58:8080', 'http://43.229.212.58:8080'],
    ['example.org', 'http://example.org'],
    ['example.org:80', 'http://example.org:80'],
    ['::1', 'http://[::1]'],
    ['[fd00::2]:8080', 'http://[fd00::2]:8080'],
    ['https://example.org/', 'https://example.org'],
    ['https://example.org/ferry/', 'https://example.org/ferry'],
  ])('reads %s as %s', (text, base) => {
    expect(parseServer(text)).toBe(base)
  })

  it.each(['a b', 'ftp://x', 'x:port', 'x:99999', 'http://', 'http://x/?a=b', 'http://u:p@x', 'x\n'])(
    'does not take %j for an address',
    (text) => {
      expect(() => parseServer(text)).toThrow(expect.objectContaining({ code: 'bad-server' }))
    },
  )
})

describe('defaultServer', () => {
  let near: string
  let far: string
  beforeAll(async () => {
    near = await mkdtemp(join(tmpdir(), 'ferry-near-'))
    far = await mkdtemp(join(tmpdir(), 'ferry-far-'))
    await writeFile(join(near, '.env'), 'HOST=10.0.0.1   # public address\nHTTP_PORT=\n')
    await writeFile(join(far, '.env'), 'HOST=10.0.0.2\nHTTP_PORT=9000\n')
  })
  afterAll(() => Promise.all([near, far].map((folder) => rm(folder, { recursive: true }))))

  it('is port 80 of this machine where nothing is said', () => {
    expect(defaultServer({}, ['/nowhere'])).toBe('http://127.0.0.1:80')
  })

  it('takes each value from the environment, else from the nearest .env that has it', () => {
    expect(defaultServer({}, [near, far])).toBe('http://10.0.0.1:9000')
    expect(defaultServer({ HOST: 'fd00::1' }, [near, far])).toBe('http://[fd00::1]:9000')
    expect(defaultServer({ HTTP_PORT: '1' }, [near])).toBe('http://10.0.0.1:1')
  })

  it('prefers the public URL', () => {
    expect(defaultServer({ PUBLIC_URL: 'https://example.org/f/' }, [near])).toBe('https://example.org/f')
  })
})

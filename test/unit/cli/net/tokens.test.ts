import { chmod, readFile, readdir, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { SavedTokens, configFolder } from '#cli/net/saved-tokens.js'
import { findToken, parseToken } from '#cli/net/token.js'
import { Way } from '#cli/net/way.js'
import { testFolder } from '../../../support/folder.js'

const server = 'https://files.example.org/ferry'

describe('saved tokens', () => {
  it('are kept by origin, in a file for its owner alone', async () => {
    const tokens = new SavedTokens(join(testFolder(), 'ferry'), 'linux')
    await tokens.save(server, 'one')
    await tokens.save('http://other.example:8080', 'two')
    expect(await tokens.find('https://files.example.org')).toBe('one')
    expect(await tokens.find('http://files.example.org')).toBeUndefined()
    expect((await stat(tokens.path)).mode & 0o777).toBe(0o600)
    expect(await tokens.isExposed()).toBe(false)
    expect(await readdir(join(tokens.path, '..'))).toEqual(['tokens.json'])
  })

  it('are forgotten one by one', async () => {
    const tokens = new SavedTokens(testFolder(), 'linux')
    expect(await tokens.forget(server)).toBe(false)
    await tokens.save(server, 'one')
    await tokens.save('http://other.example', 'two')
    expect(await tokens.forget(server)).toBe(true)
    expect(await readFile(tokens.path, 'utf8')).not.toContain('one')
    expect(await tokens.find('http://other.example')).toBe('two')
  })

  it('say when others may read them', async () => {
    const tokens = new SavedTokens(testFolder(), 'linux')
    await tokens.save(server, 'one')
    await chmod(tokens.path, 0o644)
    expect(await tokens.isExposed()).toBe(true)
  })

  it('name a torn file, and none of what is in it', async () => {
    const tokens = new SavedTokens(testFolder(), 'linux')
    await writeFile(tokens.path, '{"https://files.example.org": "secr')
    const error = await tokens.find(server).catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({ code: 'file-unreadable', facts: { subject: tokens.path } })
    expect(String(error)).not.toContain('secr')
  })

  it('lie where each system has its settings', () => {
    expect(configFolder({}, 'linux', '/home/me')).toBe(join('/home/me', '.config', 'ferry'))
    expect(configFolder({ XDG_CONFIG_HOME: '/x' }, 'linux', '/home/me')).toBe(join('/x', 'ferry'))
    expect(configFolder({ APPDATA: '/roaming' }, 'win32', '/home/me')).toBe(join('/roaming', 'ferry'))
    expect(configFolder({}, 'darwin', '/home/me')).toContain('Application Support')
  })
})

describe('findToken', () => {
  it('takes what is nearest: typed, a file, the environment, what is saved', async () => {
    const folder = testFolder()
    const saved = new SavedTokens(folder, 'linux')
    await saved.save(server, 'saved')
    const [file, variableFile] = [join(folder, 'a'), join(folder, 'b')]
    await writeFile(file, 'in-file\n')
    await writeFile(variableFile, 'in-variable-file\n')
    const all = { typed: 'typed', file, variable: 'in-variable', variableFile, saved, server }
    expect(await findToken(all)).toBe('typed')
    expect(await findToken({ ...all, typed: undefined })).toBe('in-file')
    expect(await findToken({ ...all, typed: undefined, file: undefined })).toBe('in-variable')
    expect(await findToken({ variableFile, saved, server })).toBe('in-variable-file')
    expect(await findToken({ saved, server })).toBe('saved')
    expect(await findToken({ saved, server: 'https://elsewhere.example' })).toBeUndefined()
  })

  it.each(['', 'two words', 'line\nbreak', 'schlüssel'])('takes no %j, and does not repeat it', (text) => {
    const attempt = () => parseToken(text, '--token')
    expect(attempt).toThrow(expect.objectContaining({ code: 'bad-token', facts: { subject: '--token' } }))
  })
})

describe('a way', () => {
  it('gives the token to the own origin of the server alone', () => {
    const way = new Way({ server, env: {}, token: 'secret' })
    expect(way.headersFor('https://files.example.org/check')).toEqual({ authorization: 'Bearer secret' })
    for (const url of ['http://files.example.org/', 'https://files.example.org:444/', 'https://example.org/'])
      expect(way.headersFor(url)).toEqual({})
  })

  it('says before the first request that an authority is none', async () => {
    const ca = join(testFolder(), 'ca.pem')
    expect(() => new Way({ server, env: {}, ca })).toThrow(expect.objectContaining({ code: 'file-missing' }))
    await writeFile(ca, 'hello')
    expect(() => new Way({ server, env: {}, ca })).toThrow(expect.objectContaining({ code: 'bad-ca' }))
    await writeFile(ca, '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n')
    expect(() => new Way({ server, env: {}, ca })).toThrow(expect.objectContaining({ code: 'bad-ca' }))
  })

  it('keeps one agent for each way, and goes round a proxy where NO_PROXY says so', () => {
    const way = new Way({ server, env: { ALL_PROXY: 'http://p', NO_PROXY: 'near.example' } })
    expect(way.agentFor('https://far.example/a')).toBe(way.agentFor('https://far.example/b'))
    expect(way.agentFor('https://far.example/a')).not.toBe(way.agentFor('https://near.example/a'))
    expect(way.proxyFor('https://near.example/a')).toBeUndefined()
  })
})

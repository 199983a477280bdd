import { parseConfig } from '#src/config.js'
import {
  bareHost,
  parseFilesOrigin,
  parseHosts,
  parseOrigins,
  parseProxies,
  parseTokens,
} from '#src/config-guard.js'
import { describe, expect, it } from 'vitest'

describe('the settings of who may come', () => {
  it.each([
    ['', []],
    ['abc', ['abc']],
    [' a , b,,c=/+~:. ', ['a', 'b', 'c=/+~:.']],
    [',', undefined],
    ['a b', undefined],
    ['a,密', undefined],
    ['a\u0000', undefined],
    ['a\u007f', undefined],
  ])('read tokens %j as %j', (text, tokens) => expect(parseTokens(text)).toEqual(tokens))

  it.each([
    ['', []],
    ['*', ['*']],
    ['Files.Example.org, nas.lan.', ['files.example.org', 'nas.lan']],
    ['[::1], 10.0.0.1, ::2', ['::1', '10.0.0.1', '::2']],
    ['http://a', undefined],
    ['a:80', undefined],
    ['*.a', undefined],
    ['a/b', undefined],
  ])('read hosts %j as %j', (text, hosts) => expect(parseHosts(text)).toEqual(hosts))

  it.each([
    ['', []],
    ['*', ['*']],
    ['https://A.example:443/, http://b:8080', ['https://a.example', 'http://b:8080']],
    ['http://b:80', ['http://b']],
    ['a.example', undefined],
    ['null', undefined],
    ['https://a.example/path', undefined],
    ['https://u@a.example', undefined],
    ['ftp://a', undefined],
  ])('read origins %j as %j', (text, origins) => expect(parseOrigins(text)).toEqual(origins))

  it.each([
    ['', false],
    ['0', false],
    ['1', 1],
    ['33', undefined],
    ['true', undefined],
    ['127.0.0.1, 10.0.0.0/8, fd00::/8, loopback', ['127.0.0.1', '10.0.0.0/8', 'fd00::/8', 'loopback']],
    ['10.0.0.0/33', undefined],
    ['10.0.0', undefined],
    ['proxy.example', undefined],
  ])('read proxies %j as %j', (text, proxies) => expect(parseProxies(text)).toEqual(proxies))

  it.each([
    ['', ''],
    ['https://Cdn.example:8443/', 'https://cdn.example:8443'],
    ['cdn.example', undefined],
    ['https://cdn.example/files', undefined],
  ])('read the files’ origin %j as %j', (text, origin) => expect(parseFilesOrigin(text)).toEqual(origin))

  it('take no origin for files that is the page’s host, be it another port', () => {
    const bad = (env: Record<string, string>) => 'bad' in parseConfig(env, {}, '/')
    expect(bad({ PUBLIC_URL: 'https://a.example', FILES_ORIGIN: 'https://a.example:8443' })).toBe(true)
    expect(bad({ HOST: '10.0.0.1', FILES_ORIGIN: 'http://10.0.0.1:81' })).toBe(true)
    expect(bad({ PUBLIC_URL: 'https://a.example', FILES_ORIGIN: 'https://b.example' })).toBe(false)
  })

  it('name a bad token, but do not tell it', () => {
    const parsed = parseConfig({ UPLOAD_TOKEN: 'my secret', DOWNLOAD_TOKEN: '密' }, {}, '/')
    expect(parsed).toMatchObject({
      bad: [
        { key: 'UPLOAD_TOKEN', value: '…' },
        { key: 'DOWNLOAD_TOKEN', value: '…' },
      ],
    })
  })
})

describe('bareHost', () => {
  it.each([
    ['Example.ORG:8080', 'example.org'],
    ['example.org.', 'example.org'],
    ['example.org.:80', 'example.org'],
    ['[::1]:8080', '::1'],
    ['[::1]', '::1'],
    ['::1', '::1'],
    ['127.0.0.1:1', '127.0.0.1'],
    ['localhost:', 'localhost'],
    ['127.0.0.1@evil.example', '127.0.0.1@evil.example'],
  ])('makes %s of %s', (authority, host) => expect(bareHost(authority)).toBe(host))
})

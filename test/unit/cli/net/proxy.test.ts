import { describe, expect, it } from 'vitest'
import { nameOf, proxyFor } from '#cli/net/proxy.js'

const proxyOf = (url: string, env: Record<string, string>) => proxyFor(new URL(url), env)?.href

describe('proxyFor', () => {
  it.each([
    ['http://a.test/', { http_proxy: 'http://p:3128' }, 'http://p:3128/'],
    ['http://a.test/', { HTTP_PROXY: 'p:3128' }, 'http://p:3128/'],
    ['https://a.test/', { HTTP_PROXY: 'http://p:3128' }, undefined],
    ['https://a.test/', { HTTPS_PROXY: 'http://p:3128' }, 'http://p:3128/'],
    ['https://a.test/', { ALL_PROXY: 'socks5://p:1080' }, 'socks5://p:1080'],
    ['https://a.test/', { all_proxy: 'http://a', https_proxy: 'http://b' }, 'http://b/'],
    ['http://a.test/', { http_proxy: 'http://lower', HTTP_PROXY: 'http://upper' }, 'http://lower/'],
    ['http://a.test/', { http_proxy: '', all_proxy: 'http://p' }, 'http://p/'],
    ['http://a.test/', {}, undefined],
  ])('for %s with %j is %s', (url, env, proxy) => {
    expect(proxyOf(url, env)).toBe(proxy)
  })

  it.each([
    ['http://a.test/', '*', true],
    ['http://a.test/', 'a.test', true],
    ['http://sub.a.test/', 'a.test', true],
    ['http://sub.a.test/', '.a.test', true],
    ['http://xa.test/', 'a.test', false],
    ['http://a.test:8080/', 'b.test, a.test:8080', true],
    ['http://a.test:8081/', 'a.test:8080', false],
    ['https://A.test/', 'a.TEST:443', true],
    ['http://[::1]:8080/', '::1', true],
    ['http://[::1]:8080/', '[::1]:8080', true],
    ['http://10.1.2.3/', '10.0.0.0/8', true],
    ['http://11.1.2.3/', '10.0.0.0/8 127.0.0.1', false],
    ['http://[fd00::7]/', 'fd00::/8', true],
    ['http://a.test/', '10.0.0.0/99', false],
  ])('makes an exception of %s for NO_PROXY=%s: %s', (url, list, isException) => {
    expect(proxyOf(url, { http_proxy: 'http://p', https_proxy: 'http://p', NO_PROXY: list })).toBe(
      isException ? undefined : 'http://p/',
    )
  })

  it('says which variable is wrong, and never what is in it', () => {
    const error = (value: string) => {
      try {
        return proxyOf('http://a.test/', { HTTP_PROXY: value })
      } catch (thrown) {
        return thrown
      }
    }
    for (const value of ['ftp://user:secret@p', 'http://user:secret@', ':::secret'])
      expect(error(value)).toMatchObject({ code: 'bad-proxy', facts: { subject: 'HTTP_PROXY' } })
    expect(JSON.stringify(error('ftp://user:secret@p'))).not.toContain('secret')
  })

  it('shows a proxy without its password', () => {
    expect(nameOf(new URL('http://user:secret@p:3128'))).toBe('http://p:3128')
  })
})

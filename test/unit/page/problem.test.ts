import { describe, expect, it } from 'vitest'
import { isLink, publicLink } from '../../../page/engine/links.js'
import { problemOf } from '../../../page/engine/problem.js'

const answer = (status: number, body = '', retryAfter: string | null = null) =>
  problemOf({ status, body, header: (name) => (name === 'Retry-After' ? retryAfter : null) })
const json = (code: string) => JSON.stringify({ status: 'error', code, message: 'in words' })

describe('what an answer means', () => {
  it.each([
    [401, '', 'token'],
    [404, json('not-found'), 'gone'],
    [410, '', 'gone'],
    [409, '', 'busy'],
    [413, json('too-large'), 'too-large'],
    [413, '<html>nginx</html>', 'body-limit'],
    [423, '{"status":"uploading","offset":3}', 'elsewhere'],
    [423, '', 'busy'],
    [429, '', 'busy'],
    [460, json('md5-mismatch'), 'mismatch'],
    [422, json('md5-mismatch'), 'mismatch'],
    [400, json('bad-request'), 'refused'],
    [403, '<html>', 'refused'],
    [500, '', 'busy'],
    [502, '<html>', 'busy'],
    [503, json('busy'), 'busy'],
    [507, json('disk-full'), 'disk-full'],
  ])('%i %s is %s', (status, body, kind) => {
    expect(answer(status, body).kind).toBe(kind)
  })

  it('the server’s own words are kept', () => {
    expect(answer(400, json('bad-request')).detail).toBe('in words')
    expect(answer(502, '<html>').detail).toBe('HTTP 502')
  })

  it('only the server’s own error has a code: a proxy’s 403 is not what it has decided', () => {
    expect(answer(400, json('bad-request')).code).toBe('bad-request')
    expect(answer(403, '<html>').code).toBeUndefined()
  })

  it('the server may say how long to wait', () => {
    expect(answer(503, '', '7').retryAfterMs).toBe(7000)
    expect(answer(503).retryAfterMs).toBe(0)
    // As long as a timer can: a longer one would go off at once.
    for (const hostile of ['9'.repeat(400), 'Infinity', '3000000'])
      expect(answer(503, '', hostile).retryAfterMs).toBe(2 ** 31 - 1)
    expect(answer(503, '', '-7').retryAfterMs).toBe(0)
  })
})

describe('the link that is shown', () => {
  it.each([
    'javascript:alert(1)',
    'data:text/html,x',
    'blob:http://a/b',
    '//a.example/x',
    'nowhere',
    '',
    7,
    undefined,
  ])('is never %s', (url) => {
    expect(isLink(url)).toBe(false)
  })

  it('is one of the web', () => {
    expect(['http://a.example/x', 'https://a.example/x'].every(isLink)).toBe(true)
  })

  it('is the server’s', () => {
    expect(publicLink('http://files.example.org/files/a.mp4', 'http://10.0.0.5:8080')).toBe(
      'http://files.example.org/files/a.mp4',
    )
  })

  it('is by the page’s address where the server only knows itself as this machine', () => {
    expect(publicLink('http://127.0.0.1:8080/files/a.mp4', 'http://10.0.0.5:8080')).toBe(
      'http://10.0.0.5:8080/files/a.mp4',
    )
  })

  it('is the server’s on the machine itself', () => {
    expect(publicLink('http://127.0.0.1:8080/files/a.mp4', 'http://localhost:8080')).toBe(
      'http://127.0.0.1:8080/files/a.mp4',
    )
  })
})

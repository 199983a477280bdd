import { createHmac, hkdfSync } from 'node:crypto'
import { Signer } from '#src/http/guard/signer.js'
import { presentedBy } from '#src/http/guard/tokens.js'
import { parseMd5 } from '#src/contract.js'
import type { IncomingMessage } from 'node:http'
import { describe, expect, it } from 'vitest'

const MD5 = parseMd5('d41d8cd98f00b204e9800998ecf8427e')!
const OTHER = parseMd5('0'.repeat(32))!

describe('a signed link', () => {
  const parts = (query: string) => Object.fromEntries(new URLSearchParams(query)) as Record<string, string>

  it('is signed as its docstring says', () => {
    const { expires, sig } = parts(Signer.of(['one', 'two'])!.query(MD5, 60))
    expect(Number(expires)).toBeGreaterThan(Date.now() / 1000 + 58)
    expect(Number(expires)).toBeLessThanOrEqual(Date.now() / 1000 + 60)
    const key = Buffer.from(hkdfSync('sha256', 'one', '', 'ferry signed link', 32))
    expect(sig).toBe(createHmac('sha256', key).update(`${MD5} ${expires}`).digest('hex'))
  })

  it('is good for its content and its time alone', () => {
    const signer = Signer.of(['one'])!
    const { expires, sig } = parts(signer.query(MD5, 60))
    expect(signer.judge(MD5, expires, sig)).toBe('valid')
    expect(signer.judge(OTHER, expires, sig)).toBe('wrong')
    expect(signer.judge(MD5, String(Number(expires) + 1), sig)).toBe('wrong')
    expect(signer.judge(MD5, `0${expires}`, sig)).toBe('wrong')
    for (const bad of [undefined, '', [sig], sig!.slice(2), `${sig}00`, 'z'.repeat(64)])
      expect(signer.judge(MD5, expires, bad)).toBe('wrong')
  })

  it('ends when its time has come', () => {
    const signer = Signer.of(['one'])!
    const { expires, sig } = parts(signer.query(MD5, -1))
    expect(signer.judge(MD5, expires, sig)).toBe('expired')
    expect(
      signer.judge(
        MD5,
        expires,
        sig!.replace(/.$/, (digit) => (digit === '0' ? '1' : '0')),
      ),
    ).toBe('wrong')
  })

  it('outlives a new token before its own, and ends with its own', () => {
    const { expires, sig } = parts(Signer.of(['one'])!.query(MD5, 60))
    expect(Signer.of(['new', 'one'])!.judge(MD5, expires, sig)).toBe('valid')
    expect(Signer.of(['new'])!.judge(MD5, expires, sig)).toBe('wrong')
    expect(Signer.of([])).toBeUndefined()
  })
})

describe('the token of a request', () => {
  const base64 = (text: string) => Buffer.from(text).toString('base64')
  it.each([
    [undefined, undefined],
    ['', undefined],
    ['Bearer', undefined],
    ['Bearer a', 'a'],
    ['bearer   a ', 'a'],
    ['Bearer a b', undefined],
    ['Digest a', undefined],
    [`Basic ${base64('user:a:b')}`, 'a:b'],
    [`basic ${base64(':a')}`, 'a'],
    [`Basic ${base64('no colon')}`, undefined],
    ['Basic ****', undefined],
  ])('in %j is %j', (authorization, token) => {
    expect(presentedBy({ headers: { authorization } } as IncomingMessage)).toBe(token)
  })
})

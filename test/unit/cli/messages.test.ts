import { describe, expect, it } from 'vitest'
import { createConsole } from '#cli/console.js'
import { ClientError, EXIT_CODES, type ErrorCode } from '#cli/errors.js'
import { pickLanguage } from '#cli/locale.js'
import { describe as inWords, messagesIn } from '#cli/messages.js'

describe('pickLanguage', () => {
  const system = (locale: string) => () => locale

  it.each([
    [{ LANG: 'en_US.UTF-8' }, 'en'],
    [{ LC_ALL: 'zh_CN.UTF-8', LANG: 'en_US.UTF-8' }, 'zh-CN'],
    [{ LC_ALL: '', LC_MESSAGES: 'en_GB', LANG: 'de_DE' }, 'en'],
    [{ FERRY_LANG: 'zh-CN', LANG: 'en_US' }, 'zh-CN'],
    [{ FERRY_LANG: 'en', LANG: 'zh_CN' }, 'en'],
    [{ LANG: 'C' }, 'zh-CN'],
    [{ LANG: 'C.UTF-8' }, 'zh-CN'],
    [{ LANG: 'de_DE.UTF-8' }, 'zh-CN'],
    [{}, 'zh-CN'],
  ])('on Linux %j means %s', (env, language) => {
    expect(pickLanguage(env, 'linux', system('en-US'))).toBe(language)
  })

  it('asks Windows and macOS where no variable is set', () => {
    expect(pickLanguage({}, 'win32', system('en-US'))).toBe('en')
    expect(pickLanguage({}, 'darwin', system('zh-Hans-CN'))).toBe('zh-CN')
    expect(pickLanguage({ LANG: 'zh_CN' }, 'darwin', system('en-US'))).toBe('zh-CN')
  })
})

describe('the catalogues', () => {
  const codes = Object.keys(EXIT_CODES) as ErrorCode[]
  const facts = { subject: 'SUBJECT', reason: 'REASON', status: 599, offset: 12, size: 34 }
  const cause = new ClientError('line-down', { reason: 'CAUSE' })

  it.each(codes)('say in both languages, with the same facts, what %s means', (code) => {
    const error = new ClientError(code, facts, { cause })
    const [chinese, english] = [inWords(error, messagesIn('zh-CN')), inWords(error, messagesIn('en'))]
    const factsIn = (text: string) => text.match(/SUBJECT|REASON|CAUSE|599|12|34/g)?.toSorted()
    expect(chinese).toMatch(/\p{Script=Han}/u)
    expect(english).not.toMatch(/[^\u0020-\u007E]/)
    expect(factsIn(english)).toEqual(factsIn(chinese))
    expect(`${chinese}${english}`).not.toMatch(/undefined|\n/)
  })
})

describe('the console', () => {
  it('prints no control characters, whoever they come from', () => {
    const lines: string[] = []
    const out = { write: (text: string) => lines.push(text) }
    createConsole(out, out).say('a\u001B[2J\r\nb\u0007\u009Bc\u202Ed\tä 视频')
    expect(lines).toEqual(['a[2Jbcdä 视频\n'])
  })
})

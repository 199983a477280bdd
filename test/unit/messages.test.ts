import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { createLog } from '#src/log.js'
import { chooseLanguage, messagesIn } from '#src/messages.js'
import { describe, expect, it } from 'vitest'

describe('the server’s language', () => {
  it.each([
    [{ FERRY_LANG: 'en', LANG: 'zh_CN.UTF-8' }, 'en'],
    [{ FERRY_LANG: 'zh-CN', LANG: 'en_US.UTF-8' }, 'zh-CN'],
    [{ FERRY_LANG: 'fr', LANG: 'en_US.UTF-8' }, 'en'],
    [{ LC_ALL: 'en_GB.UTF-8', LANG: 'zh_CN' }, 'en'],
    [{ LC_ALL: 'zh_CN', LC_MESSAGES: 'en_US' }, 'zh-CN'],
    [{ LC_MESSAGES: 'en_US', LANG: 'zh_CN' }, 'en'],
    [{ LANG: 'C.UTF-8' }, 'zh-CN'],
    [{ LANG: 'de_DE.UTF-8' }, 'zh-CN'],
    [{}, 'zh-CN'],
  ])('is chosen from %o: %s', (environment, language) => {
    expect(chooseLanguage(environment, undefined)).toBe(language)
  })

  it('is the system’s where no variable says anything', () => {
    expect(chooseLanguage({}, 'en-US')).toBe('en')
    expect(chooseLanguage({ LANG: 'zh_CN' }, 'en-US')).toBe('zh-CN')
  })

  it('has every line in both', () => {
    expect(Object.keys(messagesIn('en'))).toEqual(Object.keys(messagesIn('zh-CN')))
  })
})

describe('the findings of verify', () => {
  it.each(['operations.md', 'operations.zh-CN.md'])('all stand in docs/%s, and no others do', (page) => {
    const read = (path: string) =>
      readFileSync(fileURLToPath(new URL(`../../${path}`, import.meta.url)), 'utf8')
    const [, block] = /const KINDS_EN[^{]*\{\n(.*?)\n\}/s.exec(read('src/admin/messages.ts'))!
    const kinds = [...block!.matchAll(/^ {2}'?([a-z-]+)'?:/gm)].map(([, kind]) => kind!)
    const [, table] = /(\| `kind`.*?|\| `--json` 中的 `kind`.*?)\n\n/s.exec(read(`docs/${page}`))!
    const firsts = [...table!.matchAll(/^\|([^|]*)\|/gm)].slice(1).map(([, cell]) => cell!)
    const told = [...firsts.join().matchAll(/`([a-z-]+)`/g)].map(([, kind]) => kind!)
    expect(new Set(told)).toEqual(new Set(kinds.filter((kind) => kind !== 'sound')))
  })
})

describe('the log', () => {
  it('keeps a line a line, whatever a client has sent', () => {
    const lines: string[] = []
    const log = createLog(
      'text',
      (line) => lines.push(line),
      (line) => lines.push(line),
    )
    log.info('Stored: a\nb\u001b[31m\u202egpj.exe')
    expect(lines).toEqual(['[INFO] Stored: a\\u000ab\\u001b[31m\\u202egpj.exe'])
  })

  it('keeps a line a line as JSON, too, and a reader of the JSON gets what was said', () => {
    const lines: string[] = []
    const log = createLog(
      'json',
      (line) => lines.push(line),
      (line) => lines.push(line),
    )
    const odd = 'a\n\u001b[31m\u009b31m\u202egpj\u061c\u2066\u{e0041}.exe'
    log.info('Stored', { filename: odd })
    expect(lines).toHaveLength(1)
    expect(lines[0]).toMatch(/^[\u0020-\u007e]+$/)
    expect(JSON.parse(lines[0]!)).toMatchObject({ filename: odd })
  })

  it('does not tell the full name of a part, by which somebody could go on with the upload', () => {
    const lines: string[] = []
    const id = '0123456789abcdef0123456789abcdef'
    for (const format of ['text', 'json'] as const) {
      const log = createLog(
        format,
        (line) => lines.push(line),
        (line) => lines.push(line),
      )
      log.error('failed', new Error(`EIO: i/o error, open '/srv/tmp/tmp_${id}'`))
    }
    expect(lines.join('\n')).not.toContain(id)
    expect(lines.join('\n')).toContain('tmp_01234567…')
  })

  it('writes errors with their causes to the other stream', () => {
    const out: string[] = []
    const err: string[] = []
    const log = createLog(
      'json',
      (line) => out.push(line),
      (line) => err.push(line),
    )
    log.error('failed', new Error('outer', { cause: new Error('inner') }))
    expect(out).toEqual([])
    expect(JSON.parse(err[0]!)).toMatchObject({ level: 'error', message: 'failed', cause: 'outer <- inner' })
  })
})

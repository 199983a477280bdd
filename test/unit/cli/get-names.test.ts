import { describe, expect, it } from 'vitest'
import { cleanName, proposedName, shorten } from '#cli/get/name.js'
import { segmentsOf } from '#cli/get/manifest.js'
import { getMessagesIn } from '#cli/get/messages.js'
import { parseSource, shownUrl } from '#cli/get/source.js'

const MD5 = '5f6ad40f2d4013ac4aa429839c5207ad'

describe('a proposed name', () => {
  it.each([
    ['attachment; filename="a b.mp4"', 'a b.mp4'],
    ['inline; filename=plain.txt', 'plain.txt'],
    [`attachment; filename="fallback.mp4"; filename*=UTF-8''%E8%A7%86%E9%A2%91.mp4`, '视频.mp4'],
    [`attachment; filename*=UTF-8''%E8%A7%86%E9%A2%91.mp4; filename="fallback.mp4"`, '视频.mp4'],
    // Against the standard, but seen: UTF-8 as it is.
    [Buffer.from('attachment; filename="视频.mp4"').toString('latin1'), '视频.mp4'],
    ['attachment; filename="caf\u00e9.txt"', 'caf\u00e9.txt'],
    [`attachment; filename="/etc/passwd"`, 'passwd'],
    [`attachment; filename="C:\\\\fakepath\\\\a.mp4"`, 'a.mp4'],
    ['attachment', undefined],
    ['attachment; filename=""', undefined],
    ['attachment; filename=".."', undefined],
    ['nonsense;;;=', undefined],
    [undefined, undefined],
  ])('in %j is %j', (header, name) => {
    expect(proposedName(header, 'linux')).toBe(name)
  })
})

describe('a cleaned name', () => {
  it.each([
    ['a/b/../c.txt', 'c.txt'],
    ['..\\..\\evil.exe', 'evil.exe'],
    ['/', ''],
    ['.', ''],
    ['...', ''],
    ['.bashrc', 'bashrc'],
    ['. . hidden', 'hidden'],
    ['dot at the end. . ', 'dot at the end'],
    ['a\u0000b\u001b[2J\n\u0085.txt', 'ab[2J.txt'],
    ['gpj\u202Eexe.\u2066\u200F', 'gpjexe'],
    ['half \uD83D.txt', 'half .txt'],
    ['whole \u{1F600} \u{1F468}\u200D\u{1F469}.txt', 'whole \u{1F600} \u{1F468}\u200D\u{1F469}.txt'],
    ['CON', '_CON'],
    ['nul.txt', '_nul.txt'],
    ['com1 .tar.gz', '_com1 .tar.gz'],
    ['LPT¹', '_LPT¹'],
    ['console.txt', 'console.txt'],
    ['com10.txt', 'com10.txt'],
    ['a:b?c|d.txt', 'a:b?c|d.txt'],
  ])('of %j is %j', (text, name) => {
    expect(cleanName(text, 'linux')).toBe(name)
  })

  it('has nothing that Windows forbids, on Windows', () => {
    expect(cleanName('a:b?c|d<e>"f"*.txt', 'win32')).toBe('a_b_c_d_e__f__.txt')
  })

  it.each([
    ['x'.repeat(400) + '.mp4', '.mp4'],
    ['长'.repeat(400) + '.tar', '.tar'],
    ['\u{1F600}'.repeat(100) + '.mkv', '.mkv'],
    ['x.' + 'y'.repeat(400), ''],
  ])('is short enough for a file system, with its extension', (text, extension) => {
    const name = cleanName(text, 'linux')
    // 30 bytes are for what stands beside it while it comes.
    expect(Buffer.byteLength(name)).toBeLessThanOrEqual(225)
    expect(Buffer.byteLength(name)).toBeGreaterThan(215)
    expect(name.endsWith(extension)).toBe(true)
    expect(name).not.toMatch(/\p{Surrogate}/u)
  })

  it('is left alone where it is short enough', () => {
    expect(shorten('a'.repeat(225), 225)).toBe('a'.repeat(225))
  })
})

describe('a source', () => {
  it.each([
    [MD5, `http://h:1/p/files/${MD5}`],
    [MD5.toUpperCase(), `http://h:1/p/files/${MD5}`],
    [`https://other.example/files/${MD5}.mp4`, `https://other.example/files/${MD5}.mp4`],
    [`http://h/a/b/files/${MD5.toUpperCase()}.MP4#t=1`, `http://h/a/b/files/${MD5.toUpperCase()}.MP4`],
    [`http://h/files/${MD5}.mp4?download=1`, `http://h/files/${MD5}.mp4?download=1`],
  ])('%s leads to %s', (text, url) => {
    const source = parseSource(text, 'http://h:1/p')
    expect([source.url.href, source.md5]).toEqual([url, MD5])
  })

  it.each([
    '',
    'x',
    MD5.slice(1),
    `${MD5}0`,
    'http://h/',
    `http://h/${MD5}`,
    `http://h/files/${MD5}/x`,
    `http://h/files/${MD5}.m%20p`,
    `ftp://h/files/${MD5}`,
    `file:///files/${MD5}`,
  ])('%j is none', (text) => {
    expect(() => parseSource(text, 'http://h')).toThrow('bad-source')
  })

  it('is shown without a password', () => {
    const { url } = parseSource(`http://user:secret@h/files/${MD5}`, 'http://h')
    expect(shownUrl(url)).toBe(`http://h/files/${MD5}`)
    expect(url.password).toBe('secret')
  })
})

describe("a manifest's path", () => {
  it.each([
    ['a/b.txt', ['a', 'b.txt']],
    ['./a//b.txt', ['a', 'b.txt']],
    ['.config/..b', ['.config', '..b']],
    ['back\\slash', ['back\\slash']],
    ['a:b', undefined],
  ])('%j on Linux is %j', (path, segments) => {
    if (segments) expect(segmentsOf(path, 'linux')).toEqual(segments)
    else expect(() => segmentsOf(path, 'linux')).toThrow('unsafe-path')
  })

  it.each([
    '..',
    'a/../b',
    'a\\..\\b',
    '/a',
    '\\a',
    '\\\\host\\share',
    'c:\\a',
    'c:a',
    '',
    '.',
    './',
    'a\0b',
  ])('%j is refused everywhere', (path) => {
    for (const platform of ['linux', 'win32']) expect(() => segmentsOf(path, platform)).toThrow('unsafe-path')
  })

  it.each(['a/b:stream', 'nul', 'a/con.txt', 'dot.', 'a?', 'a/b '])('%j is refused on Windows', (path) => {
    expect(() => segmentsOf(path, 'win32')).toThrow('unsafe-path')
  })

  it('is split at backslashes on Windows', () => {
    expect(segmentsOf('a\\.b\\c.txt', 'win32')).toEqual(['a', '.b', 'c.txt'])
  })
})

it('both catalogues say everything, with the same facts', () => {
  const [english, chinese] = [getMessagesIn('en'), getMessagesIn('zh-CN')]
  expect(Object.keys(english)).toEqual(Object.keys(chinese))
  for (const [key, text] of Object.entries(english)) {
    const other = chinese[key as keyof typeof chinese]
    const say = (line: unknown) =>
      typeof line === 'string' ? line : (line as (...facts: number[]) => string)(111, 222, 333)
    expect(say(other), key).toMatch(/\p{Script=Han}|^\[ERROR\]/u)
    expect(say(text).match(/\d+/g), key).toEqual(say(other).match(/\d+/g))
    expect(
      say(text)
        .split(' ')[0]
        ?.match(/^\[\w+\]/)?.[0],
      key,
    ).toBe(say(other).match(/^\[\w+\]/)?.[0])
  }
})

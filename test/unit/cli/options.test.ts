import { describe, expect, it } from 'vitest'
import { messagesIn } from '#cli/messages.js'
import { parseDuration, parseOptions } from '#cli/options.js'

const parse = (...argv: string[]) => parseOptions(argv, messagesIn('en'), '1.2.3')

describe('parseOptions', () => {
  it('lets the last of several values win, and dashes be part of a value', () => {
    expect(parse('-file', 'a', '-file', '-b.mp4', '--retry-for', '1m')).toEqual({
      kind: 'upload',
      file: '-b.mp4',
      server: undefined,
      retryFor: '1m',
      retryForMs: 60_000,
    })
  })

  it('tries for ten minutes where nothing else is said', () => {
    expect(parse('-f', 'a')).toMatchObject({ retryForMs: 600_000 })
  })

  it('answers -help and -version, in whatever style', () => {
    expect(parse('-version')).toEqual({ kind: 'text', text: '1.2.3' })
    expect(parse('--help')).toEqual(parse('-h'))
  })

  it.each([
    [['-foo'], 'unknown-option', '--foo'],
    [['-f', 'a', '-x'], 'unknown-option', '-x'],
    [['-f', 'a', 'b'], 'unexpected-argument', 'b'],
    [['-f', 'a', '-server'], 'value-missing', '-s, --server <address>'],
    [['-f', 'a', '-server='], 'value-missing', '-server'],
    [[], 'no-file-given', undefined],
  ])('refuses %j', (argv, code, subject) => {
    expect(() => parse(...argv)).toThrow(
      expect.objectContaining({ code, facts: subject === undefined ? {} : { subject } }),
    )
  })
})

describe('parseDuration', () => {
  it.each([
    ['30s', 30_000],
    ['10m', 600_000],
    ['2h', 7_200_000],
    ['1h30m', 5_400_000],
    ['0.5s', 500],
    ['250ms', 250],
    ['0', 0],
  ])('reads %s', (text, ms) => {
    expect(parseDuration(text)).toBe(ms)
  })

  it.each(['', '10', 's', '-1s', '10m!', '1 m'])('does not read %j', (text) => {
    expect(() => parseDuration(text)).toThrow(expect.objectContaining({ code: 'bad-duration' }))
  })
})

import { describe, expect, it } from 'vitest'
import { bareName } from '#src/http/filename.js'

describe('bareName', () => {
  it.each([
    ['a.mp4', 'a.mp4'],
    ['我的视频.mp4', '我的视频.mp4'],
    ['/etc/passwd', 'passwd'],
    ['C:\\fakepath\\a.mp4', 'a.mp4'],
    ['..\\../a\\b/c.txt', 'c.txt'],
    ['folder/', ''],
    ['  spaces around.txt ', 'spaces around.txt'],
    ['line\r\nSet-Cookie: x.txt', 'lineSet-Cookie: x.txt'],
    ['nul\u0000.txt', 'nul.txt'],
    ['\u202Egpj.exe', 'gpj.exe'],
    ['\u200F\u061Cmarks of direction.txt', 'marks of direction.txt'],
    ['\uD83C half at the start.txt', 'half at the start.txt'],
    ['half \uD83C of a pair.txt', 'half  of a pair.txt'],
    ['🎬.webm', '🎬.webm'],
    ['', ''],
  ])('%j becomes %j', (sent, kept) => {
    expect(bareName(sent)).toBe(kept)
  })

  it('keeps both ends of a long name, and no half of a character', () => {
    for (const begin of ['长', 'x🎬', '🎬']) {
      const kept = bareName(`${begin}${'🎬'.repeat(500)}.mp4`)
      expect(kept.length).toBeLessThanOrEqual(200)
      expect(kept.startsWith(begin)).toBe(true)
      expect(kept.endsWith('.mp4')).toBe(true)
      expect(() => encodeURIComponent(kept)).not.toThrow()
    }
  })
})

import { describe, expect, it } from 'vitest'
import { createConsole } from '#cli/console.js'
import { messagesIn } from '#cli/messages.js'
import { ProgressLines, percentOf } from '#cli/progress.js'
import { Speedometer, formatBytes, formatSeconds } from '#cli/speed.js'

describe('progress in a pipe', () => {
  function setUp() {
    const lines: string[] = []
    const out = { write: (text: string) => lines.push(text.trimEnd()) }
    const clock = { now: 0 }
    const progress = new ProgressLines(createConsole(out, out), messagesIn('zh-CN'), () => clock.now)
    return { lines, clock, progress }
  }

  it('is a line a second, and one when everything is sent', () => {
    const { lines, clock, progress } = setUp()
    progress.start({ kind: 'uploading', name: 'a.bin', size: 1000 })
    for (let done = 0; done < 1000; done += 10) {
      clock.now += 25
      progress.update(done)
    }
    progress.update(1000)
    progress.update(1000)
    progress.stop()
    expect(lines).toEqual([
      '[PROGRESS] a.bin 39.00% (390/1000)',
      '[PROGRESS] a.bin 79.00% (790/1000)',
      '[PROGRESS] a.bin 100.00% (1000/1000)',
    ])
  })

  it('does not give the progress of hashing for that of the upload', () => {
    const { lines, clock, progress } = setUp()
    progress.start({ kind: 'hashing', name: 'a.bin', size: 1000 })
    clock.now = 5000
    progress.update(500)
    progress.update(1000)
    progress.stop()
    expect(lines).toEqual(['[INFO] 计算 MD5: a.bin 50.00% (500/1000)'])
  })

  it('says only how much there was so far of what comes from a pipe', () => {
    const { lines, clock, progress } = setUp()
    progress.start({ kind: 'uploading', name: 'tar', size: undefined })
    clock.now = 1000
    progress.update(16 * 1024 * 1024)
    progress.stop()
    expect(lines).toEqual(['[PROGRESS] tar 16.0 MiB'])
  })

  it('is not 100 % before everything is there', () => {
    expect(percentOf(99_999_999_999, 100_000_000_000)).toBe('99.99')
    expect(percentOf(0, 0)).toBe('100.00')
    expect(percentOf(1023, 10_000)).toBe('10.23')
  })
})

describe('speed', () => {
  it('is that of the last seconds', () => {
    let now = 0
    const speed = new Speedometer(() => now)
    expect(speed.bytesPerSecond).toBeUndefined()
    for (let done = 0; now <= 60_000; now += 100) speed.add((done += now < 30_000 ? 1000 : 100))
    expect(speed.bytesPerSecond).toBeCloseTo(1000, 0)
  })

  it('falls when nothing moves, to zero', () => {
    let now = 0
    const speed = new Speedometer(() => now)
    speed.add(0)
    speed.add(1000)
    for (now = 1000; now <= 20_000; now += 1000) speed.add(1000)
    expect(speed.bytesPerSecond).toBe(0)
  })

  it('has a short form for people', () => {
    expect([0, 1023, 1024, 206_579_487, 2 ** 50].map(formatBytes)).toEqual([
      '0 B',
      '1023 B',
      '1.0 KiB',
      '197.0 MiB',
      '1.0 PiB',
    ])
    expect([0, 7, 59.2, 200, 7500].map(formatSeconds)).toEqual(['0s', '7s', '1m00s', '3m20s', '2h05m'])
  })
})

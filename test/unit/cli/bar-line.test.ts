import { describe, expect, it } from 'vitest'
import { barLine, barRow } from '#cli/bar-line.js'
import { padded, shortened, widthOf } from '#cli/columns.js'

const numbers = ['50.00%', '512.0 MiB/1.0 GiB', '8.1 MiB/s', 'ETA 1m05s']
const heads = [
  '',
  'Upload a',
  'Upload 照片.jpg',
  `Upload ${'long name '.repeat(20)}.mp4`,
  `上传 ${'很长的文件名'.repeat(20)}.mp4`,
]

describe('a line with a bar', () => {
  it('never wraps, whatever the name and the width of the terminal', () => {
    for (const head of heads)
      for (const columns of [20, 40, 80, 81, 120, 300]) {
        expect(widthOf(barLine({ head, numbers }, 0.5, columns))).toBeLessThan(columns)
        expect(widthOf(barRow({ head, numbers }, 0.5, columns))).toBeLessThan(columns)
      }
  })

  it('keeps all numbers, and the name as long as a bar of some length stays, on 80 columns', () => {
    const head = 'Upload holiday.mp4'
    expect(barLine({ head, numbers }, 0.5, 80)).toBe(
      'Upload holiday.mp4 [#######------] 50.00% 512.0 MiB/1.0 GiB 8.1 MiB/s ETA 1m05s',
    )
  })

  it('has no bar where nobody knows the end', () => {
    const line = barLine({ head: 'Upload stdin', numbers: ['1.0 GiB', ''] }, undefined, 80)
    expect(line).toBe('Upload stdin 1.0 GiB')
  })

  it('as one of several stands below the others, whatever letters their names have', () => {
    const rows = heads.map((head) => barRow({ head, numbers }, 0.5, 100))
    expect(new Set(rows.map((row) => widthOf(row.slice(0, row.lastIndexOf('[')))))).toHaveLength(1)
  })
})

describe('columns', () => {
  it('are two for Chinese letters and pictures, none for accents', () => {
    expect(['a', '假期', 'ＡＢ', '🎬', 'e\u0301', '…'].map(widthOf)).toEqual([1, 4, 4, 2, 1, 1])
  })

  it('of a long name are its beginning and its end', () => {
    expect(shortened('photos/2024/IMG_0101.jpg', 16)).toBe('photos…_0101.jpg')
    expect(shortened('照片/二〇二四年/国庆.jpg', 16)).toMatch(/^照片.*….*庆\.jpg$/)
    expect(widthOf(shortened('照片/二〇二四年/国庆.jpg', 16))).toBeLessThanOrEqual(16)
    expect(shortened('a.jpg', 5)).toBe('a.jpg')
    expect(padded('假', 4)).toBe('假  ')
  })
})

import { table } from '#src/admin/terminal.js'
import { describe, expect, it } from 'vitest'

describe('table', () => {
  it('lines up its columns, however many rows it has', () => {
    const rows = Array.from({ length: 200_000 }, (_, row) => [row === 150_000 ? '影片' : 'ab', String(row)])
    const lines = table(rows)
    expect(lines).toHaveLength(200_000)
    expect(lines[0]).toBe('ab    0')
    expect(lines[150_000]).toBe('影片  150000')
  })

  it('is empty without rows', () => {
    expect(table([])).toEqual([])
  })
})

import { encodeQR } from 'qr'
import { expect, it } from 'vitest'
import { QUIET_ZONE, qrPath } from '../../../page/view/format/qr-path.js'

it('draws each run of dark modules as one rectangle', () => {
  const path = qrPath([
    [true, true, false, true],
    [false, false, false, false],
    [false, true, true, true],
  ])
  expect(path).toBe('M0 0h2v1h-2zM3 0h1v1h-1zM1 2h3v1h-3z')
})

it('draws nothing of nothing', () => {
  expect(qrPath([])).toBe('')
})

it('covers exactly the dark modules of a real code, inside its quiet zone', () => {
  const matrix = encodeQR('http://192.0.2.7:8080/files/5f6ad40f2d4013ac4aa429839c5207ad.mp4', 'raw', {
    border: QUIET_ZONE,
  })
  const drawn = matrix.map((row) => row.map(() => false))
  for (const [, x, y, width] of qrPath(matrix).matchAll(/M(\d+) (\d+)h(\d+)v1h-\d+z/g)) {
    drawn[Number(y)]!.fill(true, Number(x), Number(x) + Number(width))
  }
  expect(drawn).toEqual(matrix)
  expect(matrix.slice(0, QUIET_ZONE).flat()).not.toContain(true)
})

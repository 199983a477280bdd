import { occupy, isOccupied } from '#src/store/occupy.js'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'

let folder: string
beforeEach(async () => (folder = await mkdtemp(join(tmpdir(), 'ferry-occupy-'))))
afterEach(() => rm(folder, { recursive: true }))

it('keeps others off a folder until it is given back', () => {
  expect(isOccupied(folder)).toBe(false)
  const lock = occupy(folder)
  expect(isOccupied(folder)).toBe(true)
  expect(() => occupy(folder)).toThrow(expect.objectContaining({ code: 'SQLITE_BUSY' }))
  lock.close()
  expect(isOccupied(folder)).toBe(false)
})

it('needs no block of the disk for that: a server has to start on a full one', async () => {
  const lock = occupy(folder)
  expect(await readdir(folder)).toEqual(['.lock']) // no journal beside it
  lock.close()
})

import type { Md5 } from '#src/contract.js'
import { Ledger } from '#src/store/ledger.js'
import { scan } from '#src/store/scan.js'
import { Shelf } from '#src/store/shelf.js'
import { unlink, writeFile } from 'node:fs/promises'
import { describe, expect, it, onTestFinished } from 'vitest'
import { testFolder } from '../../support/folder.js'

const nameOf = (letter: string, extension = 'bin') => `${letter.repeat(32)}.${extension}`

async function openShelf(): Promise<{ shelf: Shelf; ledger: Ledger }> {
  const dir = testFolder()
  const { ledger } = await Ledger.open(dir)
  onTestFinished(() => ledger.close())
  return { shelf: Shelf.open(dir, ledger), ledger }
}

describe('a scan of the shelf', () => {
  it('takes in what is new and drops what is gone', async () => {
    const { shelf, ledger } = await openShelf()
    for (const letter of 'abc') await writeFile(shelf.path(nameOf(letter)), '')
    expect(await scan(shelf, ledger)).toEqual({ known: 3, added: 3, missing: 0, other: 0 })
    await unlink(shelf.path(nameOf('a')))
    await writeFile(shelf.path(nameOf('d')), '')
    await writeFile(shelf.path('notes.txt'), '')
    expect(await scan(shelf, ledger)).toEqual({ known: 3, added: 1, missing: 1, other: 1 })
    expect(await scan(shelf, ledger)).toEqual({ known: 3, added: 0, missing: 0, other: 1 })
    expect(ledger.read.content('a'.repeat(32) as Md5)).toBeUndefined()
    expect(ledger.read.content('d'.repeat(32) as Md5)).toMatchObject({ file: nameOf('d'), size: undefined })
  })

  it('counts a content once that lies there under two extensions, and keeps serving the one it knew', async () => {
    const { shelf, ledger } = await openShelf()
    const content = { md5: 'a'.repeat(32) as Md5, file: nameOf('a', 'mp4'), filename: 'a.mp4', size: 0 }
    await ledger.write('store', { content, now: 1 })
    for (const extension of ['avi', 'mp4']) await writeFile(shelf.path(nameOf('a', extension)), '')
    expect(await scan(shelf, ledger)).toMatchObject({ known: 1, added: 0, missing: 0 })
    expect(ledger.read.content(content.md5)?.file).toBe(nameOf('a', 'mp4'))
  })

  it('finds the other extension when the one it knew is gone', async () => {
    const { shelf, ledger } = await openShelf()
    const content = { md5: 'a'.repeat(32) as Md5, file: nameOf('a', 'mp4'), filename: 'a.mp4', size: 0 }
    await ledger.write('store', { content, now: 1 })
    await writeFile(shelf.path(nameOf('a', 'avi')), '')
    expect(await scan(shelf, ledger)).toMatchObject({ known: 1, added: 1, missing: 1 })
    expect(ledger.read.content(content.md5)?.file).toBe(nameOf('a', 'avi'))
  })
})

import type { Md5 } from '#src/contract.js'
import { Ledger } from '#src/store/ledger.js'
import { Shelf } from '#src/store/shelf.js'
import { mkdir, readdir, readFile, rename, symlink, stat, unlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { testFolder } from '../../support/folder.js'
import { content } from '../../support/tus.js'

vi.mock('node:fs/promises', async (original) => {
  const real = await original<typeof import('node:fs/promises')>()
  return { ...real, rename: vi.fn(real.rename) }
})

async function openShelf(): Promise<{
  shelf: Shelf
  ledger: Ledger
  dir: string
  part: string
  spare: string
}> {
  const dir = join(testFolder(), 'files')
  await Shelf.prepare(dir)
  const { ledger } = await Ledger.open(dir)
  onTestFinished(() => ledger.close())
  return {
    shelf: Shelf.open(dir, ledger),
    ledger,
    dir,
    part: join(dir, '..', 'part'),
    spare: join(dir, '..', 'spare'),
  }
}

describe('Shelf', () => {
  it('places a part under its md5 and extension, and leaves the part for its owner to remove', async () => {
    const { shelf, dir, part, spare } = await openShelf()
    const file = content(1000)
    await writeFile(part, file.bytes)
    expect(shelf.nameFor(file.md5 as Md5, 'a.MP4')).toBe(`${file.md5}.mp4`)
    await shelf.place(part, `${file.md5}.mp4`, () => spare)
    expect(await readFile(join(dir, `${file.md5}.mp4`))).toEqual(file.bytes)
    expect(await readFile(part)).toEqual(file.bytes)
  })

  it('gives the name to the part, which has been read, and not to a file of the same size that has not', async () => {
    const { shelf, dir, part, spare } = await openShelf()
    const file = content(1000)
    await writeFile(part, file.bytes)
    await writeFile(join(dir, `${file.md5}.bin`), Buffer.alloc(1000, 1))
    await shelf.place(part, `${file.md5}.bin`, () => spare)
    expect(await readFile(join(dir, `${file.md5}.bin`))).toEqual(file.bytes)
    expect(await readFile(part)).toEqual(file.bytes)
    await expect(readFile(spare)).rejects.toThrow('ENOENT')
  })

  it('leaves nothing in the inbox when it can not give the name to the part', async () => {
    const { shelf, dir, part, spare } = await openShelf()
    const file = content(1000)
    await writeFile(part, file.bytes)
    await writeFile(join(dir, `${file.md5}.bin`), Buffer.alloc(1000, 1))
    vi.mocked(rename).mockRejectedValueOnce(Object.assign(new Error('EIO'), { code: 'EIO' }))
    await expect(shelf.place(part, `${file.md5}.bin`, () => spare)).rejects.toMatchObject({
      code: 'io-failed',
    })
    await expect(readFile(spare)).rejects.toThrow('ENOENT')
    expect(await readFile(part)).toEqual(file.bytes)
  })

  it('finds that a part is there already when it is placed again', async () => {
    const { shelf, dir, part, spare } = await openShelf()
    const file = content(1000)
    await writeFile(part, file.bytes)
    for (const _ of [1, 2]) await shelf.place(part, `${file.md5}.bin`, () => spare)
    expect(await readFile(join(dir, `${file.md5}.bin`))).toEqual(file.bytes)
    expect((await stat(part)).nlink).toBe(2)
  })

  it('puts a file of the same name and another size aside', async () => {
    const { shelf, dir, part, spare } = await openShelf()
    const file = content(1000)
    await writeFile(part, file.bytes)
    await writeFile(join(dir, `${file.md5}.bin`), 'half')
    await shelf.place(part, `${file.md5}.bin`, () => spare)
    expect(await readFile(join(dir, `${file.md5}.bin`))).toEqual(file.bytes)
    expect(await readdir(join(dir, '.quarantine'))).toHaveLength(1)
  })

  it('sets a file aside once, however many find it wrong, and never one that has taken its place', async () => {
    const { shelf, dir } = await openShelf()
    const file = `${'a'.repeat(32)}.bin`
    const path = join(dir, file)
    await writeFile(path, 'wrong')
    const { ino } = await stat(path)
    await Promise.all([shelf.setAside(file, ino), shelf.setAside(file, ino), shelf.setAside(file)])
    expect(await readdir(join(dir, '.quarantine'))).toHaveLength(1)
    // The name is another file's now; the old inode stays in use, so that it can not be the same.
    await writeFile(path, 'right')
    await shelf.setAside(file, ino)
    expect(await readFile(path, 'utf8')).toBe('right')
  })

  it('finds a content only while its file is there, regular and of its size', async () => {
    const { shelf, ledger, dir } = await openShelf()
    const file = content(1000)
    const md5 = file.md5 as Md5
    const path = join(dir, `${md5}.bin`)
    expect(shelf.find(md5)).toBeUndefined()
    await ledger.write('store', { content: { md5, file: `${md5}.bin`, filename: '', size: 1000 }, now: 1 })
    expect(shelf.find(md5)).toBeUndefined()
    await writeFile(path, file.bytes)
    expect(shelf.find(md5)).toMatchObject({ md5, size: 1000 })
    await writeFile(path, 'cut')
    expect(shelf.find(md5)).toBeUndefined()
    await unlink(path)
    await writeFile(join(dir, 'elsewhere'), file.bytes)
    await symlink('elsewhere', path)
    expect(shelf.find(md5)).toBeUndefined()
  })

  it('scans names and nothing else: links, folders and foreign names are no contents', async () => {
    const { shelf, dir } = await openShelf()
    const good = ['a'.repeat(32), `${'B'.repeat(32)}.MKV`, `${'c'.repeat(32)}.7z`]
    const bad = [
      'notes.txt',
      `${'d'.repeat(31)}.mp4`,
      `${'e'.repeat(32)}.tar.gz`,
      `${'f'.repeat(32)}.elevenchars`,
    ]
    for (const name of [...good, ...bad]) await writeFile(join(dir, name), '')
    await symlink('notes.txt', join(dir, `${'1'.repeat(32)}.mp4`))
    await mkdir(join(dir, `${'2'.repeat(32)}.mp4`))
    const batches = [...shelf.scan()]
    expect(batches.flatMap(({ names }) => names).toSorted()).toEqual(good.toSorted())
    expect(batches.reduce((sum, { other }) => sum + other, 0)).toBe(bad.length + 2)
  })
})

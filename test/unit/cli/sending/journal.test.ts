import { appendFile, readdir, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { LocalFile } from '#cli/local-file.js'
import { Journal, keyOf } from '#cli/sending/journal.js'
import { testFolder } from '../../../support/folder.js'

const SERVER = 'http://ferry.example'
const URL_ON_SERVER = `${SERVER}/tus/${'a'.repeat(32)}`

async function keyOfPath(path: string): Promise<string> {
  const file = await LocalFile.open(path, path)
  await file.close()
  return keyOf(file)
}

describe('Journal', () => {
  it('tells the next run where the upload is, until that is over', async () => {
    const folder = testFolder()
    await new Journal(folder, SERVER, 'key').write(URL_ON_SERVER)
    expect(await new Journal(folder, SERVER, 'key').read()).toBe(URL_ON_SERVER)
    expect(await new Journal(folder, SERVER, 'other').read()).toBeUndefined()
    expect(await new Journal(folder, 'http://other.example', 'key').read()).toBeUndefined()
    await new Journal(folder, SERVER, 'key').forget()
    expect(await new Journal(folder, SERVER, 'key').read()).toBeUndefined()
    expect(await readdir(join(folder, 'uploads'))).toEqual([])
  })

  it('is for its owner alone: who knows the address can write to the upload', async () => {
    const folder = testFolder()
    await new Journal(folder, SERVER, 'key').write(URL_ON_SERVER)
    const [name] = await readdir(join(folder, 'uploads'))
    expect((await stat(join(folder, 'uploads', name!))).mode & 0o77).toBe(0)
  })

  it('knows nothing of a file that has changed since', async () => {
    const folder = testFolder()
    const path = join(folder, 'a.bin')
    await writeFile(path, 'one')
    const before = await keyOfPath(path)
    expect(await keyOfPath(path)).toBe(before)
    await appendFile(path, 'two')
    expect(await keyOfPath(path)).not.toBe(before)
  })

  it('is no obstacle where it is torn or can not be kept', async () => {
    const folder = testFolder()
    await new Journal(folder, SERVER, 'key').write('http')
    expect(await new Journal(folder, SERVER, 'key').read()).toBeUndefined()
    await writeFile(join(folder, 'file'), '')
    const journal = new Journal(join(folder, 'file'), SERVER, 'key')
    await journal.write(URL_ON_SERVER)
    expect(await journal.read()).toBeUndefined()
    await journal.forget()
  })
})

import { Inbox } from '#src/store/inbox.js'
import { mkdir, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { testFolder } from '../../support/folder.js'

describe('Inbox', () => {
  it('can be probed by many at a time', async () => {
    const inbox = await Inbox.open(testFolder())
    const probes = Array.from({ length: 100 }, () => inbox.probe())
    expect((await Promise.allSettled(probes)).filter(({ status }) => status === 'rejected')).toEqual([])
  })

  it('can be probed after a kill in the middle of a probe, and takes what is left of that for no part', async () => {
    const inbox = await Inbox.open(testFolder())
    await writeFile(join(inbox.directory, '.probe'), '.')
    await inbox.probe()
    expect(await partsOf(inbox)).toEqual([])
  })

  it('takes for a part only a regular file that is named like one', async () => {
    const inbox = await Inbox.open(testFolder())
    const [part, folder, link] = ['a', 'b', 'c'].map((digit) => digit.repeat(32)) as [string, string, string]
    await inbox.create(part)
    await mkdir(inbox.path(folder))
    await mkdir(inbox.path('x'))
    await symlink(inbox.path(part), inbox.path(link))
    for (const name of ['x.bak', `${part}.bak`, part.toUpperCase(), part.slice(1)])
      await writeFile(inbox.path(name), '')
    expect(await partsOf(inbox)).toEqual([part])
  })
})

async function partsOf(inbox: Inbox): Promise<string[]> {
  const parts: string[] = []
  for await (const part of inbox.parts()) parts.push(part)
  return parts
}

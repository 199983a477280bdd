import { Inbox } from '#src/store/inbox.js'
import { writeFile } from 'node:fs/promises'
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
})

async function partsOf(inbox: Inbox): Promise<string[]> {
  const parts: string[] = []
  for await (const part of inbox.parts()) parts.push(part)
  return parts
}

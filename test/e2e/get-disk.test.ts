import { rm, utimes, writeFile } from 'node:fs/promises'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { getOne } from '#cli/get/get.js'
import { Downline } from '../support/downline.js'
import { formBytes, post } from '../support/form.js'
import { GetFolder, Getter, testTools } from '../support/getter.js'
import { mountDisk, mountTmpfs, mountTrouble } from '../support/mount.js'
import { TestServer } from '../support/server.js'
import { missing } from '../support/tools.js'
import { content, md5 } from '../support/tus.js'

const MIB = 1024 * 1024
const file = content(24 * MIB)

describe.skipIf(mountTrouble())(`ferry get${mountTrouble()}`, () => {
  let server: TestServer
  beforeAll(async () => {
    server = await TestServer.start()
    const sent = await post(server.url, formBytes({ body: file.bytes }))
    expect(sent.reply).toMatchObject({ status: 'ok' })
  })
  afterAll(() => server.stop())

  it('on a full disk says so, keeps what it has, and goes on when there is room', async () => {
    const disk = await mountTmpfs('size=32m')
    onTestFinished(() => disk.unmount())
    const folder = GetFolder.at(disk.dir)
    await writeFile(folder.path('ballast'), content(16 * MIB).bytes)
    const order = { ...folder.wishes(server.url, { connections: 3 }), source: file.md5, output: 'out' }
    await expect(getOne(order, testTools())).rejects.toMatchObject({
      code: 'unwritable',
      facts: { reason: 'ENOSPC' },
    })
    expect(await folder.names()).not.toContain('out')
    await rm(folder.path('ballast'))
    await getOne(order, testTools())
    expect(await folder.names()).toEqual(['out'])
    expect(md5(await folder.read('out'))).toBe(file.md5)
  })

  const tools = missing('xfs_io', 'mkfs.ext4')
  it.skipIf(tools)(
    `goes on after a power cut with what it had recorded, and none of it is wrong${tools}`,
    async () => {
      const disk = await mountDisk('ext4', 128)
      onTestFinished(() => disk.unmount())
      const folder = GetFolder.at(disk.dir)
      const line = await Downline.to(server.port)
      onTestFinished(() => line.close())
      line.rate = MIB
      const order = { ...folder.wishes(line.url, { connections: 2 }), source: file.md5, output: 'out' }
      let recorded = 0
      for (let cut = 0; cut < 3; cut++) {
        const getter = new Getter(order)
        await getter.until(async () => (await folder.recorded('out')) > recorded)
        const before = await folder.recorded('out')
        await disk.cutPower()
        await getter.kill()
        await disk.reboot()
        // The lock's name may have outlived its content. A real start takes longer than such a lock counts as just made.
        await utimes(folder.path('out.part.lock'), 0, 0).catch(() => undefined)
        recorded = await folder.recorded('out')
        expect(recorded).toBeGreaterThanOrEqual(before)
      }
      const tools = testTools()
      await getOne({ ...order, server: server.url }, tools)
      expect((await folder.names()).filter((name) => name.startsWith('out'))).toEqual(['out'])
      expect(tools.lines.join('\n')).toContain(`Going on: ${recorded}/`)
      expect(tools.lines.join('\n')).not.toContain('damaged')
      expect(md5(await folder.read('out'))).toBe(file.md5)
    },
  )
})

import { expect, it } from 'vitest'
import { ClientHome } from '../support/client.js'
import { Line } from '../support/proxy.js'
import { TestServer } from '../support/server.js'
import { content } from '../support/tus.js'

const MIB = 1024 * 1024

it('notices within half a minute that a line has fallen silent, and goes on over a new connection', async () => {
  const server = await TestServer.start()
  const home = await ClientHome.create()
  const line = await Line.to(server.port)
  const file = content(48 * MIB)
  const path = await home.write('silent.bin', file.bytes)
  line.upRate = 16 * MIB
  const client = home.start(['-file', path, '-server', line.address], { FERRY_LANG: 'en' })
  await client.until(/PROGRESS/)
  line.silence()
  const silentSince = performance.now()
  await client.until(/WARN/)
  expect((performance.now() - silentSince) / 1000).toBeLessThan(45)
  const { code, stdout, stderr } = await client.outcome
  await Promise.all([line.close(), server.stop(), home.remove()])
  expect({ code, stderr }).toMatchObject({ code: 0 })
  expect(stderr).toMatch(/^\[WARN\] No data moved for 30 s, trying again in 0\.\d s\n$/)
  expect(stdout).toMatch(/Going on from [1-9]\d*\/50331648/)
  expect(stdout.trimEnd()).toMatch(new RegExp(`/files/${file.md5}\\.bin$`))
})

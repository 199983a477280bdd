import { expect, it, onTestFinished } from 'vitest'
import { ClientHome } from '../support/client.js'
import { Gateway } from '../support/gateway.js'
import { Line } from '../support/proxy.js'
import { TestServer } from '../support/server.js'
import { content } from '../support/tus.js'

const MIB = 1024 * 1024

/** A client whose line falls silent when a part of the file has been sent. */
async function fallSilent({ hides }: { hides: string[] }) {
  const server = await TestServer.start()
  const home = await ClientHome.create()
  const gateway = await Gateway.to(server.port)
  gateway.hides = hides
  const line = await Line.to(gateway.port)
  onTestFinished(async () => {
    await line.close()
    await Promise.all([gateway.close(), server.stop(), home.remove()])
  })
  const file = content(48 * MIB)
  const path = await home.write('silent.bin', file.bytes)
  line.upRate = 16 * MIB
  const client = home.start(['-file', path, '-server', line.address], { FERRY_LANG: 'en' })
  await client.until(/PROGRESS/)
  line.silence()
  return { client, silentSince: performance.now(), link: new RegExp(`/files/${file.md5}\\.bin$`) }
}

// Of a server that takes no pieces: else other connections are tried as soon as one has become slow.
it('notices within half a minute that a line has fallen silent, and goes on over a new connection', async () => {
  const { client, silentSince, link } = await fallSilent({ hides: ['ferry-ahead'] })
  await client.until(/WARN/)
  expect((performance.now() - silentSince) / 1000).toBeLessThan(45)
  const { code, stdout, stderr } = await client.outcome
  expect({ code, stderr }).toMatchObject({ code: 0 })
  expect(stderr).toMatch(/^\[WARN\] No data moved for 30 s, trying again in 0\.\d s\n$/)
  expect(stdout).toMatch(/Going on from [1-9]\d*\/50331648/)
  expect(stdout.trimEnd()).toMatch(link)
})

it('goes on not later where it may take several connections', async () => {
  const { client, silentSince, link } = await fallSilent({ hides: [] })
  const { code, stdout } = await client.outcome
  expect(code).toBe(0)
  expect((performance.now() - silentSince) / 1000).toBeLessThan(60)
  expect(stdout.trimEnd()).toMatch(link)
})

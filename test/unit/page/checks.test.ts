import { expect, it } from 'vitest'
import { parseMd5, PATHS, type Md5 } from '../../../src/contract.js'
import { Checks } from '../../../page/engine/checks.js'
import type { Server } from '../../../page/engine/server.js'

/** What nginx takes as a request's first line unless it is told otherwise, in bytes. */
const LINE = 8 * 1024

it('questions of many files fit through a proxy', async () => {
  const asked: (readonly Md5[])[] = []
  const server = {
    check(md5s: readonly Md5[]) {
      asked.push(md5s)
      return Promise.resolve(md5s.map(() => ({ status: 'notfound' })))
    },
  } as unknown as Server
  const checks = new Checks(server, 'a client')
  const md5s = Array.from({ length: 1000 }, (_, index) => parseMd5(index.toString(16).padStart(32, '0'))!)
  const standings = await Promise.all(md5s.map((md5) => checks.ask(md5)))
  expect(standings).toHaveLength(1000)
  expect(asked.flat()).toEqual(md5s)
  const base = '/some/folder/of/a/proxy'
  for (const group of asked)
    expect(`GET ${base}${PATHS.check}?md5s=${group.join(',')} HTTP/1.1`.length).toBeLessThan(LINE)
})

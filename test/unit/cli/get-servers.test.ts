import { stat, writeFile } from 'node:fs/promises'
import { expect, describe, it } from 'vitest'
import { getOne } from '#cli/get/get.js'
import type { Wishes } from '#cli/get/order.js'
import { FileServer, offer } from '../../support/file-server.js'
import { GetFolder, testTools } from '../../support/getter.js'
import { content, md5 } from '../../support/tus.js'

const MIB = 1024 * 1024
const file = content(5 * MIB)
const etag = `"${file.md5}"`
const whole = { bytes: file.bytes, etag }

function orderOf(folder: GetFolder, server: FileServer, wishes: Partial<Wishes> = {}) {
  return { ...folder.wishes(server.url, wishes), source: file.md5, output: 'out' }
}

/** Leaves a part of some megabytes behind, of whatever the server offers. */
async function breakOff(folder: GetFolder, bytes: Buffer, etag: string | undefined): Promise<void> {
  const server = await FileServer.start((request, response) =>
    offer(request, response, { bytes, ...(etag !== undefined && { etag }) }, 3 * MIB),
  )
  const order = orderOf(folder, server, { retryForMs: 0 })
  await expect(getOne(order, testTools())).rejects.toMatchObject({ code: 'line-down' })
  expect(await folder.recorded('out')).toBeGreaterThan(2 * MIB)
}

async function expectRight(folder: GetFolder): Promise<void> {
  expect(await folder.names()).toEqual(['out'])
  expect(md5(await folder.read('out'))).toBe(file.md5)
}

describe('going on', () => {
  it('asks for the rest only, and only of the same content', async () => {
    const folder = await GetFolder.create()
    await breakOff(folder, file.bytes, etag)
    const recorded = await folder.recorded('out')
    const server = await FileServer.start((request, response) => offer(request, response, whole))
    const tools = testTools()
    await getOne(orderOf(folder, server), tools)
    await expectRight(folder)
    expect(tools.lines).toContain(`[INFO] Going on: ${recorded}/${file.bytes.length} are here already`)
    const gets = server.asked.filter(({ method }) => method === 'GET')
    expect(gets.map(({ headers }) => [headers.range, headers['if-range']])).toEqual([
      [`bytes=${recorded}-${file.bytes.length - 1}`, etag],
    ])
  })

  it('with a server that has other content by now, of another size or the same, gets all of it', async () => {
    for (const size of [5 * MIB, 4 * MIB]) {
      const folder = await GetFolder.create()
      await breakOff(folder, content(size).bytes, '"old"')
      const server = await FileServer.start((request, response) => offer(request, response, whole))
      const tools = testTools()
      await getOne(orderOf(folder, server), tools)
      await expectRight(folder)
      expect(tools.lines.join('\n')).toContain('is another than before')
    }
  })

  it('where the content is replaced in between two requests, gets all of it', async () => {
    const folder = await GetFolder.create()
    const old = { bytes: content(5 * MIB).bytes, etag: '"old"' }
    let isNew = false
    const server = await FileServer.start((request, response) => {
      offer(request, response, isNew ? whole : old, isNew ? Infinity : MIB)
      if (request.method === 'GET') isNew = true
    })
    const tools = testTools()
    await getOne(orderOf(folder, server), tools)
    await expectRight(folder)
    expect(tools.lines.join('\n')).toContain('is another than before')
  })

  it('is not for ever: content that changes all the time is no content', async () => {
    const folder = await GetFolder.create()
    let versions = 0
    const server = await FileServer.start((request, response) =>
      offer(request, response, { bytes: file.bytes, etag: `"${versions++}"` }, MIB),
    )
    await expect(getOne(orderOf(folder, server), testTools())).rejects.toMatchObject({
      code: 'wrong-content',
    })
    expect(await folder.names()).toEqual([])
  })

  it('keeps what it has when somebody else answers, a login page for instance', async () => {
    const folder = await GetFolder.create()
    await breakOff(folder, file.bytes, etag)
    const recorded = await folder.recorded('out')
    const page = await FileServer.start((_request, response) => void response.end('<html>Log in!'))
    await expect(getOne(orderOf(folder, page), testTools())).rejects.toMatchObject({ code: 'not-ferry' })
    expect(await folder.recorded('out')).toBe(recorded)
  })

  it('takes no login page for the file that it has begun', async () => {
    const folder = await GetFolder.create()
    let gets = 0
    const server = await FileServer.start((request, response) => {
      if (request.method === 'GET' && gets++ === 1) response.end('<html>Log in!')
      else offer(request, response, whole, gets === 1 ? 2 * MIB : Infinity)
    })
    const tools = testTools()
    await getOne(orderOf(folder, server), tools)
    await expectRight(folder)
    expect(gets).toBe(3)
    expect(tools.lines.join('\n')).not.toContain('getting all of it again')
  })

  it('does with a server that knows no ranges, or names no ETag', async () => {
    for (const [etagOrNot, ranges] of [
      [{ etag }, false],
      [{}, false],
      [{}, true],
      [{ etag: `W/${etag}` }, true],
    ] as const) {
      const folder = await GetFolder.create()
      let gets = 0
      const server = await FileServer.start((request, response) => {
        if (request.method === 'GET') gets++
        offer(request, response, { bytes: file.bytes, ranges, ...etagOrNot }, gets === 1 ? MIB : Infinity)
      })
      await getOne(orderOf(folder, server, { connections: 3 }), testTools())
      await expectRight(folder)
    }
  })

  it('trusts nothing of an older part: bytes that were never recorded are fetched again', async () => {
    const folder = await GetFolder.create()
    await breakOff(folder, file.bytes, etag)
    const part = await folder.read('out.part')
    part.fill('x', 4 * MIB)
    await writeFile(folder.path('out.part'), part)
    const server = await FileServer.start((request, response) => offer(request, response, whole))
    const tools = testTools()
    await getOne(orderOf(folder, server), tools)
    await expectRight(folder)
    expect(tools.lines.join('\n')).not.toContain('damaged')
  })
})

describe('a server in trouble', () => {
  it.each([500, 502, 503, 429])('that says %i is asked again', async (status) => {
    const folder = await GetFolder.create()
    let troubles = 0
    const server = await FileServer.start((request, response) => {
      if (troubles++ % 2 === 0) response.writeHead(status, { 'retry-after': '0' }).end('not now')
      else offer(request, response, whole)
    })
    const tools = testTools()
    await getOne(orderOf(folder, server), tools)
    await expectRight(folder)
    expect(tools.lines.filter((line) => line.includes(`HTTP ${status}`))).toHaveLength(2)
  })

  it('that allows one connection only gets one, and the file comes all the same', async () => {
    const folder = await GetFolder.create()
    let open = 0
    const server = await FileServer.start((request, response) => {
      if (open > 0) return void response.writeHead(503).end()
      open++
      response.on('close', () => open--)
      offer(request, response, whole)
    })
    await getOne(orderOf(folder, server, { connections: 4 }), testTools())
    await expectRight(folder)
  })

  it.each([401, 403, 400])('or refuses with %i is not asked again', async (status) => {
    const folder = await GetFolder.create()
    const server = await FileServer.start((_request, response) => {
      response.writeHead(status, { 'content-type': 'application/json' }).end('{"message":"no token"}')
    })
    await expect(getOne(orderOf(folder, server), testTools())).rejects.toMatchObject({
      code: 'refused',
      facts: { status, reason: 'no token' },
    })
    expect(server.asked.map(({ method }) => method)).toEqual(['HEAD', 'GET'])
  })

  it('that knows no HEAD is asked by GET alone', async () => {
    const folder = await GetFolder.create()
    const server = await FileServer.start((request, response) => {
      if (request.method === 'HEAD') response.writeHead(405).end()
      else offer(request, response, whole)
    })
    await getOne(orderOf(folder, server), testTools())
    await expectRight(folder)
  })

  it('that loses the file in the middle ends the run, and the part stays', async () => {
    const folder = await GetFolder.create()
    let gets = 0
    const server = await FileServer.start((request, response) => {
      if (request.method === 'GET' && gets++ > 0) response.writeHead(404).end()
      else offer(request, response, whole, 2 * MIB)
    })
    await expect(getOne(orderOf(folder, server), testTools())).rejects.toMatchObject({ code: 'not-there' })
    expect(await folder.names()).toEqual(['out.part', 'out.part.json'])
  })
})

describe('the token', () => {
  const secrets = { token: 'secret', headers: { 'x-key': 'secret' } }
  const secretsIn = (server: FileServer) =>
    server.asked.flatMap(({ headers }) => [headers.authorization, headers['x-key']])

  it('goes to its server, and not to where that sends us', async () => {
    const folder = await GetFolder.create()
    const other = await FileServer.start((request, response) => offer(request, response, whole))
    const server = await FileServer.start((request, response) => {
      const target = request.url === '/moved' ? `${other.url}/elsewhere` : '/moved'
      response.writeHead(307, { location: target }).end()
    })
    await getOne(orderOf(folder, server, secrets), testTools())
    await expectRight(folder)
    expect(new Set(secretsIn(server))).toEqual(new Set(['Bearer secret', 'secret']))
    expect(server.asked.map(({ url }) => url)).toContain('/moved')
    expect(new Set(secretsIn(other))).toEqual(new Set([undefined]))
  })

  it('does not go to another server whose link somebody has given us', async () => {
    const folder = await GetFolder.create()
    const other = await FileServer.start((request, response) => offer(request, response, whole))
    const server = await FileServer.start((request, response) => offer(request, response, whole))
    const order = { ...orderOf(folder, server, secrets), source: `${other.url}/files/${file.md5}.bin` }
    await getOne(order, testTools())
    expect(new Set(secretsIn(other))).toEqual(new Set([undefined]))
    expect(server.asked).toHaveLength(0)
  })

  it('goes round in no circle', async () => {
    const folder = await GetFolder.create()
    const server = await FileServer.start((request, response) => {
      response.writeHead(302, { location: request.url }).end()
    })
    await expect(getOne(orderOf(folder, server), testTools())).rejects.toMatchObject({ code: 'refused' })
    expect(server.asked.length).toBeLessThan(20)
  })
})

describe('the name', () => {
  it('is the original one, cleaned; what it says of other folders is not believed', async () => {
    const folder = await GetFolder.create()
    const server = await FileServer.start((request, response) => {
      response.setHeader(
        'content-disposition',
        `attachment; filename*=UTF-8''..%2F..%2F.evil%E2%80%AE%00.mp4`,
      )
      offer(request, response, whole)
    })
    await getOne({ ...orderOf(folder, server), output: undefined }, testTools())
    expect(await folder.names()).toEqual(['evil.mp4'])
  })

  it('is the last segment of the address where nobody says one', async () => {
    const folder = await GetFolder.create()
    const server = await FileServer.start((request, response) => offer(request, response, whole))
    const source = `${server.url}/prefix/files/${file.md5}.mkv?x=1`
    await getOne({ ...orderOf(folder, server), source, output: undefined }, testTools())
    expect(await folder.names()).toEqual([`${file.md5}.mkv`])
  })

  it('may be as long as the file system takes', async () => {
    const folder = await GetFolder.create()
    const server = await FileServer.start((request, response) => offer(request, response, whole))
    const name = '长'.repeat(85)
    await getOne({ ...orderOf(folder, server), output: name }, testTools())
    expect(await folder.names()).toEqual([name])
    expect((await stat(folder.path(name))).size).toBe(file.bytes.length)
  })
})

it('says that it cannot write where it cannot', async () => {
  const folder = await GetFolder.create()
  const server = await FileServer.start((request, response) => offer(request, response, whole))
  for (const output of ['no/such/folder', '/proc/out', '/dev/null/out'])
    await expect(getOne({ ...orderOf(folder, server), output }, testTools())).rejects.toMatchObject({
      code: 'unwritable',
    })
})

it('an agent of the caller carries every request', async () => {
  const { Agent } = await import('node:http')
  const folder = await GetFolder.create()
  const server = await FileServer.start((request, response) => offer(request, response, whole))
  const urls: string[] = []
  const agent = (url: URL) => {
    urls.push(url.href)
    return new Agent()
  }
  await getOne(orderOf(folder, server, { agent }), testTools())
  expect(urls).toHaveLength(server.asked.length)
})

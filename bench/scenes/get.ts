import { once } from 'node:events'
import { mkdir, rename } from 'node:fs/promises'
import { Agent, request, type IncomingMessage } from 'node:http'
import { join } from 'node:path'
import { contest, type Contestant } from '../harness/contest.js'
import { GIB, inFolder, MIB, newFile, type Scene } from '../harness/bench.js'
import type { RunningServer } from '../harness/process.js'
import { startFerry } from '../systems/ferry.js'
import { NGINX_MISSING, nginxVersion, startNginx } from '../systems/nginx.js'
import { program, startIn } from '../systems/system.js'

/** A download, whole and in pieces, by one and by many. */
export const get: Scene = {
  name: 'get',
  what: 'download of 1 GiB, whole and in ranges of 1 MiB, on 1 and on 32 connections, against express.static and nginx',
  run: (bench) =>
    inFolder(bench.memory, async (folder) => {
      const size = bench.isQuick ? 256 * MIB : GIB
      const shelf = join(folder, 'files')
      await mkdir(shelf)
      const { file, md5 } = await newFile(folder, size)
      const name = `${md5}.bin`
      await rename(file, join(shelf, name))
      const hasNginx = nginxVersion() !== undefined
      const servers: [name: string, server: RunningServer, path: string][] = [
        ['ferry', await startFerry(folder), `/files/${name}`],
        [
          'express.static',
          await startIn(join(folder, 'express'), (port) => program('express-server', String(port), shelf)),
          `/${name}`,
        ],
      ]
      if (hasNginx) servers.push(['nginx', await startNginx(shelf), `/${name}`])
      try {
        const contests = []
        for (const [title, ranges, connections] of [
          ['whole, 1 connection', false, 1],
          ['whole, 32 connections', false, 32],
          ['ranges of 1 MiB, 1 connection', true, 1],
          ['ranges of 1 MiB, 32 connections', true, 32],
        ] as const) {
          const contestants = servers.map(([name, server, path]): Contestant => ({
            name,
            async run() {
              const before = await server.cpu()
              const start = performance.now()
              const bytes = await fetchAll(server.url + path, { size, ranges, connections })
              const seconds = (performance.now() - start) / 1000
              const used = (await server.cpu()) - before
              return {
                'server CPU s/GiB': (used * GIB) / bytes,
                'MiB/s': bytes / seconds,
                'server RSS MiB': await server.peak(),
              }
            },
          }))
          contests.push(
            await contest(`get: ${title}`, contestants, {
              rounds: bench.rounds,
              bars: [
                { metric: 'server CPU s/GiB', of: 'ferry', by: 'express.static', most: 1 },
                { metric: 'MiB/s', of: 'ferry', by: 'nginx' },
              ],
              notes: hasNginx ? [] : [NGINX_MISSING],
            }),
          )
        }
        return contests
      } finally {
        for (const [, server] of servers) await server.stop()
      }
    }),
}

/** Fetches the file, each connection its share of it; bytes in all. */
async function fetchAll(
  url: string,
  { size, ranges, connections }: { size: number; ranges: boolean; connections: number },
): Promise<number> {
  const agent = new Agent({ keepAlive: true, maxSockets: connections })
  let next = 0
  let bytes = 0
  const take = async (length?: number, at?: number): Promise<void> => {
    const got = await fetchOne(url, agent, length, at)
    bytes += got // not in one expression: others count meanwhile
  }
  const work = async (): Promise<void> => {
    // A share of the whole from its beginning: 32 times a GiB would measure the client.
    if (!ranges) return take(connections === 1 ? undefined : Math.ceil(size / connections))
    for (let at = (next += MIB) - MIB; at < size; at = (next += MIB) - MIB) await take(MIB, at)
  }
  await Promise.all(Array.from({ length: connections }, work))
  agent.destroy()
  return bytes
}

async function fetchOne(url: string, agent: Agent, length?: number, at = 0): Promise<number> {
  const headers = length === undefined ? {} : { Range: `bytes=${at}-${at + length - 1}` }
  const outgoing = request(url, { agent, headers })
  outgoing.end()
  const [response] = (await once(outgoing, 'response')) as [IncomingMessage]
  let bytes = 0
  for await (const chunk of response) bytes += (chunk as Buffer).length
  const expected = length ?? Number(response.headers['content-length'])
  if (bytes !== expected) throw new Error(`${url}: ${bytes} of ${expected} bytes, ${response.statusCode}`)
  return bytes
}

import { contest, type Contestant } from '../harness/contest.js'
import { GIB, inFolder, MIB, type Scene } from '../harness/bench.js'
import type { RunningServer } from '../harness/process.js'
import { send, sendTus } from '../harness/send.js'
import { startFerry } from '../systems/ferry.js'
import { startStock } from '../systems/stock.js'
import { program, startIn, withServer } from '../systems/system.js'

const BARS = [
  { piece: undefined, title: 'one request', most: 1.1 },
  { piece: 64 * MIB, title: 'requests of 64 MiB', most: 1.15 },
  { piece: 5 * MIB, title: 'requests of 5 MiB', most: 1.3 },
]

/** What the server's processor does for a GiB. */
export const cpu: Scene = {
  name: 'cpu',
  what: 'server CPU for a GiB, against a bare server that pipes and hashes, and the stock tus server, which does not hash',
  run: (bench) =>
    inFolder(bench.memory, async (folder) => {
      const size = bench.isQuick ? 256 * MIB : GIB
      const all = []
      for (const { piece = size, title, most } of BARS) {
        const contestants: Contestant[] = [
          by('ferry', startFerry, (server) => sendTus(`${server.url}/tus`, size, piece)),
          by('bare', startBare, (server) => sendBare(server, size, piece)),
        ]
        if (piece < 64 * MIB)
          contestants.push(by('stock tus', startStock, (server) => sendTus(`${server.url}/tus`, size, piece)))
        all.push(
          await contest(`cpu: ${title}`, contestants, {
            rounds: bench.rounds,
            bars: [
              { metric: 'server CPU s/GiB', of: 'ferry', by: 'bare', most },
              { metric: 'server CPU s/GiB', of: 'ferry', by: 'stock tus', most: 1 },
            ],
          }),
        )
      }
      return all

      function by(
        name: string,
        start: (folder: string) => Promise<RunningServer>,
        upload: (server: RunningServer) => Promise<unknown>,
      ): Contestant {
        return {
          name,
          run: () =>
            withServer(folder, start, async (server) => {
              const before = await server.cpu()
              const begun = performance.now()
              await upload(server)
              const seconds = (performance.now() - begun) / 1000
              const used = (await server.cpu()) - before
              return {
                'server CPU s/GiB': (used * GIB) / size,
                seconds,
                'server RSS MiB': await server.peak(),
              }
            }),
        }
      }
    }),
}

function startBare(folder: string): Promise<RunningServer> {
  return startIn(folder, (port) => program('bare-server', String(port), folder))
}

async function sendBare(server: RunningServer, size: number, piece: number): Promise<void> {
  for (let at = 0; at < size; at += piece)
    await send('PUT', `${server.url}/file?offset=${at}`, {}, Math.min(piece, size - at))
}

import { join } from 'node:path'
import { contest, type Contestant } from '../harness/contest.js'
import { inFolder, KIB, type Scene } from '../harness/bench.js'
import { load } from '../harness/load.js'
import { sendTus } from '../harness/send.js'
import { fillShelf, md5Of } from '../harness/shelf.js'
import type { RunningServer } from '../harness/process.js'
import { startFerry } from '../systems/ferry.js'

const UPLOADS = 200
const CHECKS_S = 2

/** What an upload and a question cost when there is much on the shelf. */
export const grow: Scene = {
  name: 'grow',
  what: 'an upload and a /check, with 1,000 to 1,000,000 files on the shelf',
  run: (bench) =>
    inFolder(bench.memory, async (folder) => {
      const sizes = bench.isQuick ? [1000, 100_000] : [1000, 10_000, 100_000, 1_000_000]
      const servers: RunningServer[] = []
      try {
        const contestants: Contestant[] = []
        for (const files of sizes) {
          const home = join(folder, String(files))
          await fillShelf(join(home, 'files'), files)
          const server = await startFerry(home)
          servers.push(server)
          contestants.push({ name: `${files} files`, run: () => measure(server, files) })
        }
        const result = await contest('grow: the same on fuller shelves', contestants, {
          rounds: bench.rounds,
        })
        const [least, ...others] = contestants.map(({ name }) => name)
        result.bars = others.flatMap((of) => [
          { metric: 'ms for an upload', of, by: least!, most: 1.3 },
          { metric: 'CPU ms for a /check', of, by: least!, most: 1.3 },
        ])
        return [result]
      } finally {
        for (const server of servers) await server.stop()
      }
    }),
}

async function measure(server: RunningServer, files: number) {
  const start = performance.now()
  for (let n = 0; n < UPLOADS; n++) await sendTus(`${server.url}/tus`, 10 * KIB)
  const upload = (performance.now() - start) / UPLOADS
  const before = await server.cpu()
  const path = (n: number) => `/check?md5=${md5Of((n * 7919) % (2 * files))}`
  const { perSecond } = await load(server.port, path, { connections: 16, seconds: CHECKS_S })
  const check = (((await server.cpu()) - before) * 1000) / (perSecond * CHECKS_S)
  return { 'ms for an upload': upload, 'CPU ms for a /check': check, 'server RSS MiB': await server.peak() }
}

import { join } from 'node:path'
import { contest, type Contestant } from '../harness/contest.js'
import { inFolder, type Scene } from '../harness/bench.js'
import { load } from '../harness/load.js'
import type { RunningServer } from '../harness/process.js'
import { fillShelf, md5Of } from '../harness/shelf.js'
import { startFerry } from '../systems/ferry.js'
import { program, startIn } from '../systems/system.js'

/** The question that is asked most. */
export const check: Scene = {
  name: 'check',
  what: '/check with a million files on the shelf, on 64 connections, against an Express route that returns a constant',
  run: (bench) =>
    inFolder(bench.memory, async (folder) => {
      const files = bench.isQuick ? 100_000 : 1_000_000
      await fillShelf(join(folder, 'ferry', 'files'), files)
      // The first start takes them all into the ledger, the second one is what every other start is.
      await (await startFerry(join(folder, 'ferry'))).stop()
      const start = performance.now()
      const ferry = await startFerry(join(folder, 'ferry'))
      const seconds = (performance.now() - start) / 1000
      const express = await startIn(join(folder, 'express'), (port) =>
        program('express-server', String(port), folder),
      )
      try {
        // Half of them are known.
        const path = (n: number) => `/check?md5=${md5Of((n * 7919) % (2 * files))}`
        const contestants: Contestant[] = [
          by('ferry', ferry, path),
          by('express', express, () => '/constant'),
        ]
        return [
          await contest(`check: ${files} files on the shelf, 64 connections`, contestants, {
            rounds: bench.rounds,
            bars: [
              { metric: 'requests/s', of: 'ferry', by: 'express', least: 0.7 },
              { metric: 'p99 ms', of: 'ferry', by: 'express', most: 2 },
            ],
            notes: [`a start with them takes ${seconds.toFixed(1)} s`],
          }),
        ]
      } finally {
        await ferry.stop()
        await express.stop()
      }

      function by(name: string, server: RunningServer, path: (n: number) => string): Contestant {
        return {
          name,
          async run() {
            const seconds = bench.isQuick ? 3 : 8
            const { perSecond, middle, p99 } = await load(server.port, path, { connections: 64, seconds })
            return {
              'requests/s': perSecond,
              'median ms': middle,
              'p99 ms': p99,
              'server RSS MiB': await server.peak(),
            }
          },
        }
      }
    }),
}

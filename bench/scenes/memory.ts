import type { Contest, Measured } from '../harness/contest.js'
import { GIB, inFolder, type Scene } from '../harness/bench.js'
import { memoryNow } from '../harness/usage.js'
import { sendTus } from '../harness/send.js'
import { startFerry } from '../systems/ferry.js'

/** Whether the server's memory grows with what has gone through it. */
export const memory: Scene = {
  name: 'memory',
  what: 'RSS of the server while 100 GiB go through it, a GiB at a time; each is removed when it has come',
  run: (bench) =>
    inFolder(bench.memory, async (folder) => {
      const all = bench.isQuick ? 4 : 100
      const server = await startFerry(folder)
      try {
        const samples: Measured[] = []
        for (let gib = 1; gib <= all; gib++) {
          // The last byte never comes, so that nothing stays: the upload is removed instead.
          await sendTus(`${server.url}/tus`, GIB, GIB, { remove: true })
          samples.push({ 'server RSS MiB': await memoryNow(server.child.pid!) })
          if (gib % 10 === 0) console.error(`memory: ${gib} of ${all} GiB`)
        }
        const half = Math.floor(samples.length / 2)
        const result: Contest = {
          title: `memory: RSS over ${all} GiB`,
          rounds: { 'first half': samples.slice(0, half), 'second half': samples.slice(half) },
          bars: [{ metric: 'server RSS MiB', of: 'second half', by: 'first half', most: 1.1 }],
          notes: [],
        }
        return [result]
      } finally {
        await server.stop()
      }
    }),
}

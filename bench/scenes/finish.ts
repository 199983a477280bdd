import { contest } from '../harness/contest.js'
import { GIB, inFolder, MIB, type Scene } from '../harness/bench.js'
import { sendTus } from '../harness/send.js'
import { startFerry } from '../systems/ferry.js'
import { withServer } from '../systems/system.js'

/** How long the answer takes after the last byte, whatever the size. */
export const finish: Scene = {
  name: 'finish',
  what: 'from the last byte to the answer, for 64 MiB, 1 GiB and 8 GiB',
  run: (bench) =>
    inFolder(bench.memory, async (folder) => {
      const sizes = bench.isQuick ? [64 * MIB, GIB] : [64 * MIB, GIB, 8 * GIB]
      const contestants = sizes.map((size) => ({
        name: `${size / MIB} MiB`,
        run: () =>
          withServer(folder, startFerry, async (server) => {
            const { afterLast } = await sendTus(`${server.url}/tus`, size)
            return { 'seconds after the last byte': afterLast }
          }),
      }))
      const result = await contest('finish: from the last byte to the answer, in memory', contestants, {
        rounds: Math.min(bench.rounds, 3),
      })
      const metric = 'seconds after the last byte'
      const [small, ...others] = contestants.map(({ name }) => name)
      result.bars = others.map((of) => ({ metric, of, by: small!, within: 0.15 }))
      return [result]
    }),
}

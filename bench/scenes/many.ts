import { contest, type Contestant } from '../harness/contest.js'
import { inFolder, MIB, type Scene } from '../harness/bench.js'
import type { RunningServer } from '../harness/process.js'
import { sendTus } from '../harness/send.js'
import { startFerry } from '../systems/ferry.js'
import { withServer } from '../systems/system.js'
import { startTusd, TUSD_MISSING, tusdVersion } from '../systems/tusd.js'

/** Many at once: what a server is for. */
export const many: Scene = {
  name: 'many',
  what: '200 uploads of 5 MiB at once, and 50 of 200 MiB, against tusd, which does not hash',
  run: (bench) =>
    inFolder(bench.memory, async (folder) => {
      const contests = []
      for (const [uploads, mebibytes] of bench.isQuick
        ? [[200, 5]]
        : [
            [200, 5],
            [50, 200],
          ]) {
        const by = (name: string, start: (folder: string) => Promise<RunningServer>): Contestant => ({
          name,
          run: () =>
            withServer(folder, start, async (server) => {
              const begun = performance.now()
              const send = () => sendTus(`${server.url}/tus/`, mebibytes! * MIB)
              await Promise.all(Array.from({ length: uploads! }, send))
              return {
                seconds: (performance.now() - begun) / 1000,
                'server CPU s': await server.cpu(),
                'server RSS MiB': await server.peak(),
              }
            }),
        })
        const contestants = [by('ferry', startFerry)]
        const hasTusd = tusdVersion() !== undefined
        if (hasTusd) contestants.push(by('tusd', startTusd))
        contests.push(
          await contest(`many: ${uploads} uploads of ${mebibytes} MiB at once`, contestants, {
            rounds: uploads === 50 ? Math.min(3, bench.rounds) : bench.rounds,
            bars: [
              { metric: 'seconds', of: 'ferry', by: 'tusd', most: 1 },
              { metric: 'server RSS MiB', of: 'ferry', below: 250 * MIB },
            ],
            notes: hasTusd ? [] : [TUSD_MISSING],
          }),
        )
      }
      return contests
    }),
}

import { rm } from 'node:fs/promises'
import { contest, type Contestant } from '../harness/contest.js'
import { GIB, inFolder, MIB, newFile, type Bench, type Scene } from '../harness/bench.js'
import type { RunningServer, Taken } from '../harness/process.js'
import { COPYPARTY_MISSING, copypartyVersion, startCopyparty, u2c } from '../systems/copyparty.js'
import { ferryUpload, settled, startFerry } from '../systems/ferry.js'
import { startStock, stockUpload } from '../systems/stock.js'
import { withServer } from '../systems/system.js'

/** A file that nobody has seen, from the command to the verified URL. */
export const cold: Scene = {
  name: 'cold',
  what: 'a new file, by our client and server, by copyparty’s, and by md5sum with the stock tus parts',
  async run(bench) {
    const size = bench.isQuick ? 256 * MIB : GIB
    return [
      await where('in memory', bench.memory, bench, size),
      ...(bench.isQuick ? [] : [await where('on the disk', bench.disk, bench, size)]),
    ]
  },
}

function where(place: string, parent: string, bench: Bench, size: number) {
  return inFolder(parent, async (folder) => {
    const files = new Map<number, { file: string; md5: string }>()
    const fileOf = async (round: number) => {
      for (const [other, { file }] of files) {
        if (other === round) continue
        await rm(file)
        files.delete(other)
      }
      const known = files.get(round) ?? (await newFile(folder, size))
      files.set(round, known)
      return known
    }
    const contestants: Contestant[] = [
      by('ferry', startFerry, async (server, home, { file, md5 }) => {
        const taken = await ferryUpload(server, home, file)
        if (!taken.output.includes(md5)) throw new Error(`not the link: ${taken.output}`)
        return [taken, () => settled(server, md5)]
      }),
      by('md5sum + stock tus', startStock, async (server, home, { file }) => [
        await stockUpload(server, home, file),
      ]),
    ]
    const hasCopyparty = copypartyVersion() !== undefined
    if (hasCopyparty)
      contestants.push(
        by('copyparty', startCopyparty, async (server, _home, { file }) => [await u2c(server, file)]),
      )
    return contest(`cold: a new file of ${size / MIB} MiB, stores ${place}`, contestants, {
      rounds: bench.rounds,
      bars: [
        { metric: 'seconds', of: 'ferry', by: 'copyparty', most: 0.75 },
        { metric: 'seconds', of: 'ferry', by: 'md5sum + stock tus', most: 0.7 },
      ],
      notes: hasCopyparty ? [] : [COPYPARTY_MISSING],
    })

    function by(
      name: string,
      start: (folder: string) => Promise<RunningServer>,
      upload: (
        server: RunningServer,
        home: string,
        file: { file: string; md5: string },
      ) => Promise<[Taken, rest?: () => Promise<void>]>,
    ): Contestant {
      return {
        name,
        run: async (round) => {
          const file = await fileOf(round)
          return withServer(folder, start, async (server, home) => {
            const [{ seconds, cpu, peak }, rest] = await upload(server, home, file)
            const figures = {
              seconds,
              'client CPU s': cpu,
              'server CPU s': await server.cpu(),
              'client RSS MiB': peak,
              'server RSS MiB': await server.peak(),
            }
            await rest?.()
            return figures
          })
        },
      }
    }
  })
}

import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { contest, type Contestant } from '../harness/contest.js'
import { GIB, inFolder, MIB, newFile, type Scene } from '../harness/bench.js'
import { COPYPARTY_MISSING, copypartyVersion, startCopyparty, u2c } from '../systems/copyparty.js'
import { ferryUpload, settled, startFerry } from '../systems/ferry.js'

/** A file that the server has: nothing should be sent, and the second time nothing be read. */
export const again: Scene = {
  name: 'again',
  what: 'a file that the server has, with its hash remembered and without, against copyparty’s client',
  run: (bench) =>
    inFolder(bench.memory, async (folder) => {
      const size = bench.isQuick ? 256 * MIB : GIB
      const { file, md5 } = await newFile(folder, size)
      const ferry = await startFerry(join(folder, 'ferry'))
      const other =
        copypartyVersion() === undefined ? undefined : await startCopyparty(join(folder, 'copyparty'))
      try {
        const home = join(folder, 'home')
        await ferryUpload(ferry, home, file)
        await settled(ferry, md5)
        if (other) await u2c(other, file)
        const contestants: Contestant[] = [
          { name: 'ferry, hash remembered', run: async () => took(await ferryUpload(ferry, home, file)) },
          {
            name: 'ferry, hash not remembered',
            async run() {
              await rm(join(home, 'cache'), { recursive: true, force: true })
              return took(await ferryUpload(ferry, home, file))
            },
          },
        ]
        if (other) contestants.push({ name: 'copyparty', run: async () => took(await u2c(other, file)) })
        return [
          await contest(`again: a known file of ${size / MIB} MiB`, contestants, {
            rounds: bench.rounds,
            bars: [
              { metric: 'seconds', of: 'ferry, hash remembered', by: 'copyparty', most: 0.3 },
              { metric: 'seconds', of: 'ferry, hash not remembered', by: 'copyparty', most: 1.05 },
            ],
            notes: other ? [] : [COPYPARTY_MISSING],
          }),
        ]
      } finally {
        await ferry.stop()
        await other?.stop()
      }
    }),
}

function took({ seconds, cpu }: { seconds: number; cpu: number }) {
  return { seconds, 'client CPU s': cpu }
}

import { randomBytes } from 'node:crypto'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { contest, type Contestant } from '../harness/contest.js'
import { inFolder, KIB, type Scene } from '../harness/bench.js'
import type { RunningServer, Taken } from '../harness/process.js'
import { COPYPARTY_MISSING, copypartyVersion, startCopyparty, u2c } from '../systems/copyparty.js'
import { ferryUpload, startFerry } from '../systems/ferry.js'

const FILES = 1000
const SIZE = 10 * KIB

/** A folder of small files, each on disk before it is answered. */
export const small: Scene = {
  name: 'small',
  what: '1,000 files of 10 KiB, each synced before its answer; copyparty does not sync',
  async run(bench) {
    const contests = []
    for (const [place, parent] of [
      ['in memory', bench.memory],
      ['on the disk', bench.disk],
    ] as const)
      contests.push(await inFolder(parent, (folder) => where(place, folder, bench.rounds)))
    return contests
  },
}

async function where(place: string, folder: string, rounds: number) {
  const hasCopyparty = copypartyVersion() !== undefined
  const contestants: Contestant[] = [
    by('ferry', startFerry, (server, home, files) => ferryUpload(server, home, files)),
  ]
  if (hasCopyparty)
    contestants.push(by('copyparty', startCopyparty, (server, _home, files) => u2c(server, files)))
  return contest(`small: ${FILES} files of ${SIZE / KIB} KiB, stores ${place}`, contestants, {
    rounds,
    bars: [{ metric: 'files/s', of: 'ferry', by: 'copyparty', least: 1 }],
    notes: hasCopyparty ? [] : [COPYPARTY_MISSING],
  })

  function by(
    name: string,
    start: (folder: string) => Promise<RunningServer>,
    upload: (server: RunningServer, home: string, files: string) => Promise<Taken>,
  ): Contestant {
    return {
      name,
      run: () =>
        inFolder(folder, async (home) => {
          const files = await newFiles(join(home, 'small'))
          const server = await start(join(home, 'server'))
          try {
            const { seconds, cpu } = await upload(server, home, files)
            return {
              'files/s': FILES / seconds,
              seconds,
              'client CPU s': cpu,
              'server CPU s': await server.cpu(),
            }
          } finally {
            await server.stop()
          }
        }),
    }
  }
}

async function newFiles(folder: string): Promise<string> {
  await mkdir(folder, { recursive: true })
  for (let n = 0; n < FILES; n++) await writeFile(join(folder, `${n}.bin`), randomBytes(SIZE))
  return folder
}

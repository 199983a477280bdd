import { execFileSync } from 'node:child_process'
import { basename, join } from 'node:path'
import { Wire, wireTrouble, type Line } from '../../test/support/wire/wire.js'
import { inFolder, MIB, newFile, type Bench, type Scene } from '../harness/bench.js'
import { contest, type Contest, type Contestant } from '../harness/contest.js'
import { run, type Command, type RunningServer } from '../harness/process.js'
import { COPYPARTY_MISSING, copypartyVersion, startCopyparty, u2cClient } from '../systems/copyparty.js'
import { ferryClient, startFerry } from '../systems/ferry.js'
import { stockClient } from '../systems/stock.js'
import { withServer, type Host } from '../systems/system.js'
import { startTusd, TUSD_MISSING, tusdVersion } from '../systems/tusd.js'

/** Seconds; who takes longer is ended. */
const LIMIT = 180
const USUAL: Line = { rtt: 100, loss: 0.5, rate: 50 }
const GRID: Line[] = [20, 100, 250].flatMap((rtt) =>
  [0, 0.5, 2].flatMap((loss) => [10, 50].map((rate) => ({ rtt, loss, rate }))),
)

interface Uploader {
  name: string
  start(folder: string, host: Host): Promise<RunningServer>
  client(server: RunningServer, home: string, file: string): Command
  /** Where the server, whose folder `home` is, has put the file. */
  stored(home: string, file: { file: string; md5: string }, output: string): string
}

/** A file over the lines that there are in the world, from the command to its end. */
export const line: Scene = {
  name: 'line',
  isSpecial: true,
  what: 'a new file over a long, lossy line: real packets and real TCP between two networks; needs root',
  async run(bench) {
    const trouble = wireTrouble()
    if (trouble !== undefined)
      return [{ title: 'line', rounds: {}, bars: [], notes: [`skipped: ${trouble}`] }]
    const contests: Contest[] = []
    for (const one of bench.isGrid ? GRID : [USUAL]) contests.push(await over(one, bench))
    return contests
  },
}

function over(line: Line, { isQuick, memory, rounds }: Bench): Promise<Contest> {
  const size = (isQuick ? 3 : 10) * MIB
  const notes: string[] = []
  const uploaders = [ferry('1')]
  if (copypartyVersion() === undefined) notes.push(COPYPARTY_MISSING)
  // By default it joins its pieces of 1 MiB into requests of 64, so that this file often has one connection only.
  else uploaders.push(...['-j 1', '-j 4', '-j 8', '-j 8 --sz 1'].map(copyparty))
  if (tusdVersion() === undefined) notes.push(TUSD_MISSING)
  else uploaders.push(tus(4))
  const contestants = uploaders.map((uploader): Contestant => ({
    name: uploader.name,
    run: async (round) => {
      const { isOver, ...measured } = await inFolder(memory, (folder) =>
        upload(uploader, folder, { ...line, seed: round + 1 }, size),
      )
      if (isOver) notes.push(`${uploader.name}, round ${round + 1}: not done after ${LIMIT} s, and ended.`)
      return measured
    },
  }))
  const { rtt, loss, rate } = line
  return contest(
    `line: ${size / MIB} MiB over ${rate} Mbit/s, ${rtt} ms there and back, ${loss} % lost each way`,
    contestants,
    {
      rounds,
      bars: uploaders.slice(1).map(({ name }) => ({ metric: 'seconds', of: uploaders[0]!.name, by: name })),
      notes,
    },
  )
}

/** On a wire of its own, that in one round loses the same packets for everybody. */
async function upload(uploader: Uploader, folder: string, line: Line & { seed: number }, size: number) {
  const file = await newFile(folder, size)
  const wire = await Wire.open(line)
  const at = (side: 'near' | 'far'): Host => ({
    address: wire.address(side),
    in: (command) => ({ ...command, ...wire.in(side, command.program, command.args) }),
  })
  const start = (home: string) => uploader.start(home, at('far'))
  try {
    return await withServer(folder, start, async (server, home) => {
      const client = at('near').in(uploader.client(server, home, file.file))
      const { seconds, output, isOver } = await run({ ...client, limit: LIMIT })
      const { there } = await wire.count()
      if (!isOver) expectSame(uploader.stored(home, file, output), file.md5)
      return { seconds, 'sent / size': there.bytes / size, isOver }
    })
  } finally {
    await wire.close()
  }
}

function expectSame(path: string, md5: string): void {
  const stored = execFileSync('md5sum', [path]).toString().slice(0, md5.length)
  if (stored !== md5) throw new Error(`${path} is another file`)
}

/** `connections` at once, as its client's `options` say. */
function ferry(connections: string, ...options: string[]): Uploader {
  return {
    name: `ferry, ${connections}`,
    start: startFerry,
    client: (server, home, file) => ferryClient(server, home, ...options, file),
    stored: (home, { md5 }) => join(home, 'files', `${md5}.bin`),
  }
}

function copyparty(options: string): Uploader {
  return {
    name: `copyparty, ${options}`,
    start: startCopyparty,
    client: (server, _home, file) => u2cClient(server, file, ...options.split(' ')),
    stored: (home, { file }) => join(home, 'volume', basename(file)),
  }
}

/** Its client is started through tsx, which takes some tenths of a second more than a start of plain Node. */
function tus(parallel: number): Uploader {
  return {
    name: `tus-js-client and tusd, ${parallel}`,
    start: startTusd,
    client: (server, _home, file) => stockClient(`${server.url}/tus/`, file, parallel),
    stored: (home, _file, output) => join(home, output.trim().split('/').at(-1)!),
  }
}

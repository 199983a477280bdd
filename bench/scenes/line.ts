import { execFileSync } from 'node:child_process'
import { basename, join } from 'node:path'
import { Wire, wireTrouble, type Line } from '../../test/support/wire/wire.js'
import { inFolder, MIB, newFile, type Bench, type Scene } from '../harness/bench.js'
import { contest, type Bar, type Contest, type Contestant } from '../harness/contest.js'
import { run, type Command, type RunningServer } from '../harness/process.js'
import { COPYPARTY_MISSING, copypartyVersion, startCopyparty, u2cClient } from '../systems/copyparty.js'
import { ferryClient, startFerry } from '../systems/ferry.js'
import { stockClient } from '../systems/stock.js'
import { withServer, type Host } from '../systems/system.js'
import { startTusd, TUSD_MISSING, tusdVersion } from '../systems/tusd.js'

/** Seconds; who takes longer is ended. */
const LIMIT = 600

/** A line, and a file of so many bytes over it. */
interface Trip extends Line {
  size: number
}

const LOSSY: Line = { rtt: 100, loss: 0.5, rate: 50 }
const TRIPS: Trip[] = [
  { ...LOSSY, size: 10 * MIB },
  { ...LOSSY, size: 50 * MIB },
  { ...LOSSY, loss: 0, size: 50 * MIB },
]
const QUICK: Trip[] = [{ ...LOSSY, size: 3 * MIB }]
const GRID: Trip[] = [20, 100, 250].flatMap((rtt) =>
  [0, 0.5, 2].flatMap((loss) => [10, 50].map((rate) => ({ rtt, loss, rate, size: 10 * MIB }))),
)
const [ALONE, AUTO, EIGHT] = ['1', 'auto', '8'].map((n) => ferry(n, '--connections', n)) as [
  Uploader,
  Uploader,
  Uploader,
]
/** Of a line that loses, that auto takes at most so much of the others' time; of one that does not, of one connection's. */
const SHARE = { alone: 1 / 4, copyparty: 0.4, clean: 1 / 0.97 }

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
    const trips = bench.isGrid ? GRID : bench.isQuick ? QUICK : TRIPS
    for (const trip of trips) contests.push(await over(trip, bench))
    return contests
  },
}

function over(trip: Trip, { memory, rounds }: Bench): Promise<Contest> {
  const { size, ...line } = trip
  const notes: string[] = []
  // By default it joins its pieces of 1 MiB into requests of 64, so that a file often has one connection only.
  const copyparties = line.loss > 0 ? ['-j 1', '-j 4', '-j 8', '-j 8 --sz 1'] : ['-j 8']
  const uploaders = [ALONE, AUTO, EIGHT]
  if (copypartyVersion() === undefined) notes.push(COPYPARTY_MISSING)
  else uploaders.push(...copyparties.map(copyparty))
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
      bars: uploaders.filter((uploader) => uploader !== AUTO).map(({ name }) => barBy(name, trip)),
      notes,
    },
  )
}

/** What is promised of auto beside this one. With pieces of 1 MiB and tusd's own way it is only told. */
function barBy(name: string, { loss }: Trip): Bar {
  const bar: Bar = { metric: 'seconds', of: AUTO.name, by: name }
  const isAlone = name === ALONE.name
  if (loss === 0) return isAlone ? { ...bar, most: SHARE.clean } : bar
  if (isAlone) return { ...bar, most: SHARE.alone }
  return /^copyparty, -j \d$/.test(name) ? { ...bar, most: SHARE.copyparty } : bar
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

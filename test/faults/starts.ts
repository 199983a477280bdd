import Database from 'libsql'
import { execFile } from 'node:child_process'
import { appendFile, link, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { TestServer } from '../support/server.js'
import { tus } from '../support/tus.js'
import { checkShelf, finishPending, inspect } from './audit.js'
import { CALLS, logged } from './calls.js'
import { add, faults, noFindings, type Bench, type Findings } from './part.js'
import { bytesOf, specimen, type Random, type Specimen } from './random.js'
import { finishByTus } from './senders.js'
import { Witness } from './witness.js'

const MAIN = fileURLToPath(new URL('../../dist/src/main.js', import.meta.url))
const ENV = { UV_THREADPOOL_SIZE: '1' }
const SIZE = 300_000
const FRONT = 200_000
/** More calls than any start makes on one path. */
const MOST = 300

/** What a server has promised before it finds its folder in some state. */
interface Promised {
  /** Uploads by URL, with the offset that was acknowledged. */
  open: { url: string; file: Specimen; offset: number }[]
  stored: Specimen[]
}

/** A folder in some state, to be started in again and again. */
export interface Start {
  name: string
  /** Brings the folder of a running server there, and ends the server. */
  prepare(server: TestServer, random: Random): Promise<Promised>
}

/** Nothing is there yet but one file that somebody has copied onto the shelf. */
const first: Start = {
  name: 'first start',
  async prepare(server, random) {
    await server.kill()
    for (const name of ['.ledger', '.lock', '.lock-journal'])
      await rm(join(server.files, name), { recursive: true, force: true })
    const file = specimen(random.between(1, 2 ** 31), SIZE)
    await writeFile(join(server.files, `${file.md5}.bin`), bytesOf(file))
    return { open: [], stored: [file] }
  },
}

/** Everything at once that a kill or a power cut may leave. */
const recovery: Start = {
  name: 'recovery',
  async prepare(server, random) {
    const stored = await upload(server, random, SIZE)
    const longer = await upload(server, random, FRONT)
    const linked = await upload(server, random, FRONT)
    const partless = await upload(server, random, FRONT)
    const newborn = await upload(server, random, 0)
    await server.kill()
    await appendFile(partOf(server, longer.url), Buffer.alloc(50_000, 9))
    await writeFile(partOf(server, linked.url), bytesOf(linked.file))
    await link(partOf(server, linked.url), join(server.files, `${linked.file.md5}.bin`))
    await rm(partOf(server, partless.url))
    await rm(partOf(server, newborn.url))
    await writeFile(join(server.tmp, `tmp_${'b'.repeat(32)}`), 'nobody’s')
    return { open: [longer, linked, newborn], stored: [stored.file] }
  },
}

/** The ledger is garbage: it is moved aside and begun anew, and the open uploads are gone with it. */
const torn: Start = {
  name: 'start with a torn ledger',
  async prepare(server, random) {
    const { file } = await upload(server, random, SIZE)
    await upload(server, random, FRONT)
    await server.kill()
    const ledger = join(server.files, '.ledger', 'ledger.db')
    const db = new Database(ledger)
    db.exec('PRAGMA wal_checkpoint(TRUNCATE)') // SQLite would heal it from what has not come back from there
    db.close()
    await writeFile(ledger, 'x'.repeat(40_000))
    return { open: [], stored: [file] }
  },
}

export const STARTS: Start[] = [recovery, torn, first]

async function upload(server: TestServer, random: Random, offset: number): Promise<Promised['open'][number]> {
  const file = specimen(random.between(1, 2 ** 31), SIZE)
  const { size, md5, filename } = file
  const url = tus.location(server.url, await tus.create(server.url, size, { md5, filename }))
  if (offset === size) await finishByTus(url, file)
  else if (offset > 0) await tus.patch(url, 0, bytesOf(file).subarray(0, offset))
  return { url, file, offset }
}

function partOf(server: TestServer, url: string): string {
  return join(server.tmp, `tmp_${url.split('/').at(-1)!}`)
}

/**
 * Kills a server while it starts, before the first, second, third … call that it makes on each path in its folders,
 * each start going on from what the last one has left, until one comes through; then it has to keep every promise. At
 * most `most` kills. Counts are per thread: of two threads that make the same call on the same path, the older is struck.
 */
export async function strikeStarts({ name, prepare }: Start, bench: Bench, most: number): Promise<Findings> {
  const sum = noFindings()
  const origin = await TestServer.start({ env: ENV })
  try {
    const promised = await prepare(origin, bench.random.fork())
    for (const lane of await rehearse(origin.dir)) {
      if (sum.rounds >= most) break
      const found = await strikeLane(origin.dir, lane, promised, most - sum.rounds)
      for (const kind of ['lost', 'wrong', 'stuck', 'left'] as const)
        found[kind] = found[kind].map((line) => `killed at ${lane.call} (${lane.path}) of ${name}: ${line}`)
      add(sum, found)
      bench.say(`${name}, ${lane.call} (${lane.path}): ${sum.rounds} so far, ${faults(sum)} faults`)
    }
    return sum
  } finally {
    await origin.stop()
  }
}

/** Which calls a start makes on which paths (relative to the folder). */
async function rehearse(origin: string): Promise<{ call: string; path: string }[]> {
  return inCopy(origin, async (dir) => {
    const calls = await logged(async (log) => {
      const server = await startUnder(dir, ['-e', `trace=${CALLS}`, '-o', log])
      await server?.kill()
    })
    const lanes = new Map<string, { call: string; path: string }>()
    for (const { name, path } of calls) {
      if (!path.startsWith(`${dir}/files`) && !path.startsWith(`${dir}/tmp`)) continue
      const lane = { call: name, path: path.slice(dir.length) }
      lanes.set(`${lane.call} ${lane.path}`, lane)
    }
    return [...lanes.values()]
  })
}

async function strikeLane(
  origin: string,
  { call, path }: { call: string; path: string },
  promised: Promised,
  most: number,
): Promise<Findings> {
  return inCopy(origin, async (dir) => {
    let kills = 0
    while (kills < most && kills < MOST) {
      const injection = `inject=${call}:signal=SIGKILL:when=${kills + 1}`
      const unharmed = await startUnder(dir, ['-e', `trace=${call}`, '-P', dir + path, '-e', injection])
      await unharmed?.kill()
      if (unharmed) break
      kills++
    }
    return { ...(await startUnharmed(dir, witnessOf(promised))), rounds: kills }
  })
}

async function startUnharmed(dir: string, witness: Witness): Promise<Findings> {
  const server = await TestServer.start({ dir, env: ENV })
  const found = noFindings()
  try {
    await checkShelf(server, found) // before anybody goes on: that might mend what was wrong
    await finishPending(server, witness, found)
    await inspect(server, witness, found)
    return { ...found, acknowledged: witness.acknowledged }
  } finally {
    await server.stop()
  }
}

/** Starts a server under strace; undefined where it ended before it listened. */
async function startUnder(dir: string, args: string[]): Promise<TestServer | undefined> {
  // -D: the server is our child and strace its guest, not the other way round.
  const strace = ['strace', '-D', '-f', '-q', '-y', '-s', '0', '-e', 'signal=none', '-o', '/dev/null']
  try {
    return await TestServer.start({ dir, env: ENV, command: [...strace, ...args, process.execPath, MAIN] })
  } catch (error) {
    // Whoever is killed has no time for a last word.
    if ((error as Error).message.includes('[ERROR]')) throw error
    return undefined
  }
}

function witnessOf({ open, stored }: Promised): Witness {
  const witness = new Witness()
  for (const { url, file, offset } of open) witness.offset(url, file, offset)
  for (const file of stored) witness.success(file)
  return witness
}

/** A copy of the folder for one action; hard links stay what they are. */
async function inCopy<T>(origin: string, action: (dir: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'ferry-start-'))
  const dir = join(folder, 'copy')
  try {
    await promisify(execFile)('cp', ['-a', origin, dir])
    return await action(dir)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

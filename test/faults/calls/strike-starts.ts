import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { MAIN, TestServer } from '../../support/server.js'
import { checkShelf, finishPending, inspect } from '../audit.js'
import { CALLS, logged } from './lanes.js'
import { add, faults, noFindings, type Bench, type Findings } from '../part.js'
import type { Promised, Start } from './starts.js'
import { Witness } from '../witness.js'

const ENV = { UV_THREADPOOL_SIZE: '1' }
/** More calls than any start makes on one path. */
const MOST = 300

/**
 * Kills a server while it starts, before the first, second, third … call that it makes on each path in its folders,
 * each start going on from what the last one has left, until one comes through; then it has to keep every promise. At
 * most `most` kills. Counts are per thread: of two threads that make the same call on the same path, the older is struck.
 */
export async function strikeStarts(start: Start, bench: Bench, most: number): Promise<Findings> {
  const sum = noFindings()
  const origin = await TestServer.start({ env: ENV })
  try {
    const promised = await start.prepare(origin, bench.random.fork())
    for (const lane of await rehearse(origin.dir)) {
      if (sum.rounds >= most) break
      const found = await strikeLane(origin.dir, lane, promised, most - sum.rounds)
      add(sum, found, `killed at ${lane.call} (${lane.path}) of ${start.name}`)
      bench.say(`${start.name}, ${lane.call} (${lane.path}): ${sum.rounds} so far, ${faults(sum)} faults`)
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

import { TestServer } from '../../support/server.js'
import { find } from '../../support/tools.js'
import { audit, finishPending } from '../audit.js'
import { rehearse, type Lane } from '../calls/lanes.js'
import { fail, Watcher, type Effect } from '../calls/failures.js'
import { broken, type Break } from '../mutant.js'
import { add, faults, noFindings, type Bench, type Control, type Findings, type Part } from '../part.js'
import { specimen } from '../random.js'
import { sendByTus } from '../senders.js'
import {
  append,
  create,
  fill,
  finish,
  form,
  look,
  placed,
  SIZE,
  type Scene,
  type Stage,
  whole,
} from '../calls/stages.js'
import { together } from '../calls/together.js'

const ENV = { UV_THREADPOOL_SIZE: '1' }
/**
 * What may fail, and how. Nobody can run out of space while reading. The ledger's reads are left out: libsql takes a page
 * that it could not read from its log for one that it has read.
 */
const WRITING = 'openat,pwrite64,pwritev,fdatasync,fsync,?link,linkat,?rename,?unlink,unlinkat,?mkdir'
const READING = 'pread64,?statx,?newfstatat'
const EFFECTS: Effect[] = [
  { error: 'EIO', lasting: false },
  { error: 'ENOSPC', lasting: false },
  { error: 'EIO', lasting: true },
  { error: 'ENOSPC', lasting: true },
]
/** More calls than any stage makes in a lane. */
const MOST = 100

/**
 * EIO and ENOSPC from every system call by which an upload reaches the disk and the ledger, one after the other, once
 * or for a while. The server has to say so, to lose nothing, to go on serving, and to heal without a restart.
 */
export const errors: Part = {
  name: 'errors',
  title:
    'EIO and ENOSPC from every system call of create, append, checkpoint, placed pieces, finish, form, whole and look',
  unit: 'errors',
  rounds: { ci: 10_000, full: 10_000 },
  trouble: () => (find('strace') ? undefined : 'strace is not installed'),
  run: (bench) =>
    together(
      bench,
      [finish, placed, append, fill, form, whole, create, look].map(
        (stage) => (left) => failStage(stage, bench, left),
      ),
    ),
  controls: [
    control('a failed fsync that is tried again', finish, {
      file: 'src/store/part.js',
      from: 'return this.handle.sync();',
      to: 'return this.handle.sync().catch(() => this.handle.sync());',
    }),
    control('a write to the ledger whose failure nobody hears of', create, {
      file: 'src/store/ledger-worker.js',
      from: 'return { number: order.number, error: { message, code } };',
      to: 'return { number: order.number, result: undefined };',
    }),
    control('a write to the part that fails and counts', append, {
      file: 'src/intake/part-writer.js',
      from: "throw diskError(error, 'writing the part');",
      to: '',
    }),
  ],
}

function control(title: string, stage: Stage, place: Break): Control {
  return broken(title, [place], (bench, command) => failStage(stage, bench, bench.rounds, command))
}

/** Lets every call of a stage fail, at most `most` times, and holds the server to what it said after each. */
async function failStage(stage: Stage, bench: Bench, most: number, command?: string[]): Promise<Findings> {
  const server = await TestServer.start({ env: ENV, ...(command ? { command } : {}) })
  const witness = new Watcher()
  const next = () => ({
    server,
    witness,
    file: specimen(bench.random.between(1, 2 ** 31), stage.size ?? SIZE),
  })
  const sum = noFindings()
  try {
    await sendByTus(next().file, { server: server.url, witness })
    for (const lane of await lanesOf(stage, next())) {
      for (const effect of effectsOn(lane)) {
        await failLane(sum, most, (count) => fail(stage, next(), { ...lane, effect, count }))
        if (bench.isControl && faults(sum) > 0) return sum
      }
      bench.say(`${stage.name}, ${lane.call} of thread ${lane.nth} (${lane.path}): ${sum.rounds} so far`)
    }
    add(sum, { ...(await audit(server, witness)), rounds: 0 })
    return sum
  } finally {
    await server.stop()
  }
}

/** The first, second, third … call fails, until there is none left to fail. */
async function failLane(
  sum: Findings,
  most: number,
  failAt: (count: number) => Promise<Findings>,
): Promise<void> {
  for (let count = 1; count <= MOST && sum.rounds < most; count++) {
    const found = await failAt(count)
    add(sum, found)
    if (found.rounds === 0) return
  }
}

async function lanesOf(stage: Stage, scene: Scene): Promise<Lane[]> {
  const act = await stage.begin(scene)
  const lanes = await rehearse(scene.server, `${WRITING},${READING}`, act)
  await finishPending(scene.server, scene.witness, noFindings())
  return lanes.filter(({ call, path }) => !READING.includes(call) || !path.includes('.ledger'))
}

function effectsOn({ call }: Lane): Effect[] {
  return EFFECTS.filter(({ error }) => error === 'EIO' || !READING.includes(call))
}

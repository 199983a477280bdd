import { isGone, TestServer } from '../../support/server.js'
import { inject } from '../../support/strace.js'
import { find } from '../../support/tools.js'
import { audit, checkShelf, finishPending } from '../audit.js'
import { CALLS, rehearse, threadOf, type Lane } from '../calls/lanes.js'
import { broken, type Break } from '../mutant.js'
import { add, faults, noFindings, type Bench, type Control, type Findings, type Part } from '../part.js'
import { specimen, type Random } from '../random.js'
import { sendByTus } from '../senders.js'
import { STARTS } from '../calls/starts.js'
import {
  appendSlowly,
  create,
  expiry,
  fill,
  finish,
  form,
  placed,
  SIZE,
  type Scene,
  type Stage,
  whole,
} from '../calls/stages.js'
import { strikeStarts } from '../calls/strike-starts.js'
import { together } from '../calls/together.js'
import { Witness } from '../witness.js'

/** One thread for all of libuv's work, since strace counts calls for each thread. */
const ENV = { UV_THREADPOOL_SIZE: '1', LEASE_SECONDS: '1' }
/** Milliseconds within which a server that was struck off the answer's path is gone. */
const AFTERMATH = 150
/** More calls than any stage makes in a lane: a strike that never ends would be a mistake of ours. */
const MOST = 300
/** A client that has not ended by then never will, in milliseconds. */
const PATIENCE = 20_000
const STAGES = [expiry, appendSlowly, placed, fill, finish, form, whole, create]

/**
 * SIGKILL before every single system call by which an upload changes the disk or is answered, one after the other:
 * each stage is rehearsed once to see which threads make which calls, and then cut off at the first, second, third …
 * call of each until it ends unharmed. The same for a start of the server.
 */
export const points: Part = {
  name: 'points',
  title:
    'SIGKILL at every system call of create, append, checkpoint, placed pieces, finish, form, whole, sweep and start',
  unit: 'calls',
  rounds: { ci: 10_000, full: 10_000 },
  trouble: () => (find('strace') ? undefined : 'strace is not installed'),
  async run(bench) {
    const starts = STARTS.map((start) => (left: number) => strikeStarts(start, bench, left))
    const stages = STAGES.map((stage) => (left: number) => strikeStage(stage, bench, left))
    // In turn: a start keeps the processor busy while a sweep is waited for.
    return together(
      bench,
      stages.flatMap((stage, index) => [stage, starts[index] ?? []].flat()),
    )
  },
  controls: [
    control('a ledger that has the content before the shelf has it', finish, {
      file: 'src/intake/finish.js',
      from: 'await place(arrival, { md5, sha256 }, file, stores);',
      to: `await (async () => {
        const { part, claim: { filename }, front: size } = arrival;
        const content = { md5, file: shelf.nameFor(md5, filename), filename, size };
        if (arrival.resumable) await ledger.write('finish', { part, content, now: Date.now() });
        return place(arrival, { md5, sha256 }, file, stores);
      })();`,
    }),
    control('a creation that does not wait for its row', create, {
      file: 'src/intake/openings.js',
      from: "const row = arrival.resumable ? ledger.write('addUpload', rowOf(arrival)) : undefined;",
      to: "const row = undefined; setTimeout(() => void ledger.write('addUpload', rowOf(arrival)), 30);",
    }),
    control('a recovery that cuts parts which stand on the shelf already', finish, {
      file: 'src/store/recover.js',
      from: 'if (facts.links > 1 &&',
      to: 'if (facts.links > 99 &&',
    }),
  ],
}

function control(title: string, stage: Stage, place: Break): Control {
  return broken(title, [place], (bench, command) => strikeStage(stage, bench, bench.rounds, command))
}

/** Strikes a stage at every call, at most `most` of them, and holds the server to what it said after each. */
async function strikeStage(stage: Stage, bench: Bench, most: number, command?: string[]): Promise<Findings> {
  const server = await TestServer.start({
    env: { ...ENV, ...stage.env },
    ...(command ? { command } : {}),
  })
  const sum = noFindings()
  const witness = new Witness()
  const random = bench.random.fork()
  try {
    const begun = await begin(stage, server, witness, random)
    const lanes = await rehearse(server, CALLS, begun.act)
    await settle(begun.scene, stage, sum, 'rehearsal')
    for (const lane of lanes) {
      await strikeLane(stage, lane, { server, witness, random, sum, most, isControl: bench.isControl })
      bench.say(`${stage.name}, ${lane.call} of thread ${lane.nth} (${lane.path}): ${sum.rounds} so far`)
      if (bench.isControl && faults(sum) > 0) return sum
    }
    add(sum, { ...(await audit(server, witness)), rounds: 0 })
    return sum
  } finally {
    await server.stop()
  }
}

interface Striking {
  server: TestServer
  witness: Witness
  random: Random
  sum: Findings
  most: number
  isControl: boolean
}

async function strikeLane(stage: Stage, lane: Lane, striking: Striking): Promise<void> {
  const { server, witness, random, sum, most } = striking
  for (let count = 1; count <= MOST && sum.rounds < most; count++) {
    const { scene, act } = await begin(stage, server, witness, random)
    const thread = await threadOf(server, lane)
    const detach = await inject(server.pid, `${lane.call}:signal=SIGKILL:when=${count}`, { thread })
    const answers = await act()
    const cut = answers.some(({ status }) => status === 0)
    const isDead = await isGone(server, cut ? PATIENCE : AFTERMATH)
    await detach()
    // On a busy machine the strike comes while we are about to let go.
    const died = isDead || (await isGone(server, AFTERMATH))
    if (died) {
      sum.rounds++
      await server.start()
    }
    await settle(scene, stage, sum, `killed at ${lane.call} ${count} (${lane.path}) of ${stage.name}`)
    if (!died || (striking.isControl && faults(sum) > 0)) return
  }
}

async function begin(stage: Stage, server: TestServer, witness: Witness, random: Random) {
  const scene: Scene = { server, witness, file: specimen(random.between(1, 2 ** 31), stage.size ?? SIZE) }
  return { scene, act: await stage.begin(scene) }
}

/** What was interrupted is finished; where nobody heard of an upload, its sender sends the file again. */
async function settle(
  { server, witness, file }: Scene,
  stage: Stage,
  sum: Findings,
  when: string,
): Promise<void> {
  const found = noFindings()
  await checkShelf(server, found) // before anybody goes on: that might mend what was wrong
  await finishPending(server, witness, found)
  if (stage !== expiry && !witness.stored.has(file.md5)) {
    const signal = AbortSignal.timeout(PATIENCE)
    if (!(await sendByTus(file, { server: server.url, witness, signal })))
      found.stuck.push(`${file.md5} could not be sent again`)
  }
  add(sum, found, when)
}

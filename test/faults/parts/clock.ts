import { setMaxListeners } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Clock, findFaketime } from '../../support/clock.js'
import { pause, TestServer } from '../../support/server.js'
import { tus } from '../../support/tus.js'
import { audit, finishPending } from '../audit.js'
import { broken, type Break } from '../mutant.js'
import {
  add,
  faults,
  noFindings,
  repeat,
  type Bench,
  type Control,
  type Findings,
  type Part,
} from '../part.js'
import { bytesOf, type Random, type Specimen } from '../random.js'
import { sendOn, type Habits } from '../senders.js'
import { Witness } from '../witness.js'

const HOUR = 3600
const YEAR = 365 * 24 * HOUR
/** Where the clock is set to, in seconds from the right time. 1970 is where one without a battery begins. */
const JUMPS = [0, 1, -1, 30, -30, 24 * 30, -24 * 30].map((hours) => hours * HOUR)
const FAR = [3 * YEAR, -3 * YEAR, 60 * YEAR, -(Date.now() / 1000) + 60]
const CLIENTS = 3
/** Jumps before the server is audited and begins with empty folders. */
const EPOCH = 25
const LARGEST = 2 * 1024 * 1024
/** None is declared: one whose answer a kill took away would keep its own sender out for a whole lease. */
const HABITS: Habits = {
  largest: LARGEST,
  forms: 20,
  pieces: 30,
  declared: 0,
  chunkSizes: [16 * 1024, 128 * 1024],
}
/** Seconds. Longer than an epoch: whatever ends before was ended by the clock. */
const LONG = 120
/** Seconds between two looks for old uploads, the least; and how many of them make the life of an idle upload. */
const OFTEN = 1
const SWEEPS_PER_LIFE = 24
/** What a slow machine may add to a lease, in milliseconds. */
const PATIENCE = 20_000

const ARRIVAL = 'src/intake/arrival.js'
const LEASES = 'src/intake/leases.js'
const BY_WALL_CLOCK: Break[] = [
  {
    file: ARRIVAL,
    from: 'performance.now(), touchedAt: Date.now()',
    to: 'Date.now(), touchedAt: Date.now()',
  },
  { file: ARRIVAL, from: 'lastByte: performance.now(),\n', to: 'lastByte: Date.now(),\n' },
  { file: ARRIVAL, from: 'performance.now() - lastByte', to: 'Date.now() - lastByte' },
  { file: LEASES, from: 'liveUntil - performance.now()', to: 'liveUntil - Date.now()' },
  { file: LEASES, from: 'lent ?? performance.now() + this.ms', to: 'lent ?? Date.now() + this.ms' },
  { file: LEASES, from: 'const now = performance.now()', to: 'const now = Date.now()' },
]
const NO_MERCY: Break = {
  file: ARRIVAL,
  from: 'Math.min(Math.max(0, Date.now() - touchedAt), mostIdle)',
  to: 'Math.max(0, Date.now() - touchedAt)',
}

/** The wall clock is set back and forth, by hours and by decades, while senders send and over starts of the server. */
export const clock: Part = {
  name: 'clock',
  title: 'the clock set by hours to decades, while it runs and over starts; leases and lives of uploads',
  unit: 'jumps',
  rounds: { ci: 50, full: 1000 },
  trouble: () => (findFaketime() ? undefined : 'libfaketime is not installed'),
  run: (bench) =>
    through(bench, [sendThroughJumps, leasesThroughJumps, idleThroughJumps, lifeAfterTheFuture]),
  controls: [
    control('an age over a start that the wall clock alone decides', [NO_MERCY], sendThroughJumps),
    control('leases counted by the wall clock', BY_WALL_CLOCK, leasesThroughJumps),
    control('idleness counted by the wall clock', BY_WALL_CLOCK, idleThroughJumps),
  ],
}

/** What a server goes through with its clock; one that is over quickly does without `rounds`. */
type Trial = (own: Own, rounds: number) => Promise<Findings>

interface Own {
  clock: Clock
  command: string[] | undefined
  random: Random
}

/** A server that is broken so must be found out by this trial. */
function control(title: string, breaks: Break[], trial: Trial): Control {
  return broken(title, breaks, (bench, command) => through(bench, [trial], command))
}

function through(bench: Bench, trials: Trial[], command?: string[]): Promise<Findings> {
  return repeat(bench, EPOCH, (rounds, random) => epoch(rounds, trials, random, command))
}

/** One trial after the other, up to the first that finds something. */
async function epoch(
  rounds: number,
  trials: Trial[],
  random: Random,
  command: string[] | undefined,
): Promise<Findings> {
  const dir = await mkdtemp(join(tmpdir(), 'ferry-clock-'))
  const findings = { ...noFindings(), rounds }
  try {
    const own = { clock: await Clock.in(dir), command, random }
    for (const trial of trials) if (faults(findings) === 0) add(findings, await trial(own, rounds))
    return findings
  } finally {
    await rm(dir, { recursive: true, force: true })
  }
}

function startServer({ clock, command }: Own, env: Record<string, string>): Promise<TestServer> {
  return TestServer.start({ env: { ...clock.env, ...env }, ...(command ? { command } : {}) })
}

/** Files are sent, others were begun and left; no jump ends any of them. */
async function sendThroughJumps(own: Own, rounds: number): Promise<Findings> {
  const { clock, random } = own
  await clock.set(0)
  const server = await startServer(own, { LEASE_SECONDS: String(LONG), TMP_TTL_HOURS: '1' })
  const witness = new Onlooker(server)
  const stop = new AbortController()
  setMaxListeners(0, stop.signal)
  try {
    await begin(server, witness, random)
    const sending = { server: server.url, witness, signal: stop.signal }
    const senders = Array.from({ length: CLIENTS }, () => sendOn(sending, random.fork(), HABITS))
    for (let jump = 0; jump < rounds; jump++) {
      await pause(random.between(20, 200))
      const isRestart = random.percent(30)
      if (isRestart) await server.kill()
      await clock.set(random.pick(random.percent(50) ? JUMPS : FAR))
      if (isRestart) await server.start()
      if (random.percent(20)) await begin(server, witness, random)
    }
    stop.abort()
    await Promise.all(senders)
    await clock.set(0)
    witness.forgetFinished()
    return await audit(server, witness)
  } finally {
    stop.abort()
    await server.stop()
  }
}

/** Hears of every upload that ends, and believes it only where the file is there: nothing here is old. */
class Onlooker extends Witness {
  constructor(readonly server: TestServer) {
    super()
  }

  override ended(url: string, answer = 'nothing'): void {
    const pending = this.pending.get(url)
    if (pending && !this.#isStored(pending.specimen))
      this.broken.push(`${url}: ${pending.offset} acknowledged, then ${answer}`)
    super.ended(url)
  }

  /**
   * Uploads that were finished when nobody could hear of it: how long their ids answer, the wall clock decides alone,
   * and what counts is there.
   */
  forgetFinished(): void {
    for (const [url, { specimen }] of this.pending) if (this.#isStored(specimen)) this.success(specimen, url)
  }

  #isStored({ md5 }: Specimen): boolean {
    return existsSync(join(this.server.files, `${md5}.bin`))
  }
}

/** An upload of which only the first half is sent. */
async function begin(server: TestServer, witness: Witness, random: Random): Promise<Specimen> {
  const file = random.specimen(LARGEST)
  const created = await tus.create(server.url, file.size, { md5: file.md5, filename: file.filename })
  const url = tus.location(server.url, created)
  const half = Math.floor(file.size / 2)
  const patched = await tus.patch(url, 0, bytesOf(file).subarray(0, half))
  if (patched.status !== 204) throw new Error(`the first half of ${url} was answered ${patched.status}`)
  witness.offset(url, file, half)
  return file
}

/** A jump ahead does not end a lease before its time, and one back does not prolong it. */
async function leasesThroughJumps(own: Own): Promise<Findings> {
  const lease = 3
  const findings = noFindings()
  const server = await startServer(own, { LEASE_SECONDS: String(lease), TMP_TTL_HOURS: '1' })
  try {
    for (const jump of own.random.percent(50) ? [30 * HOUR, -3 * YEAR] : [60 * YEAR, -2 * HOUR]) {
      await own.clock.set(0)
      const before = performance.now()
      const file = await begin(server, new Witness(), own.random)
      const begun = performance.now()
      await own.clock.set(jump)
      const status = await statusOf(server, file)
      if (status !== 'uploading' && performance.now() - before < lease * 1000)
        findings.lost.push(`a lease was over after a jump of ${jump} s: /check says ${status}`)
      while ((await statusOf(server, file)) === 'uploading') {
        await pause(100)
        if (performance.now() - begun < lease * 1000 + PATIENCE) continue
        findings.stuck.push(`a lease of ${lease} s was not over long after a jump of ${jump} s`)
        break
      }
    }
    return findings
  } finally {
    await server.stop()
  }
}

/** What came a moment ago is not old, whatever the clock says, though old uploads are looked for all the time. */
async function idleThroughJumps(own: Own): Promise<Findings> {
  const { clock, random } = own
  await clock.set(0)
  const life = OFTEN * SWEEPS_PER_LIFE
  const server = await startServer(own, { LEASE_SECONDS: String(LONG), TMP_TTL_HOURS: String(life / HOUR) })
  const witness = new Witness()
  const findings = noFindings()
  try {
    await begin(server, witness, random)
    for (const jump of random.percent(50) ? [30 * HOUR, -2 * HOUR] : [-3 * YEAR, 60 * YEAR]) {
      await clock.set(jump)
      await pause(1500 * OFTEN)
    }
    await finishPending(server, witness, findings)
    return findings
  } finally {
    await server.stop()
  }
}

async function statusOf(server: TestServer, { md5 }: Specimen): Promise<string> {
  const reply = await fetch(`${server.url}/check?md5=${md5}`)
  return ((await reply.json()) as { status: string }).status
}

/** An upload that was begun while the clock was ahead is as old as it is, however often the server is started. */
async function lifeAfterTheFuture(own: Own): Promise<Findings> {
  const findings = noFindings()
  await own.clock.set(60 * YEAR)
  const server = await startServer(own, { LEASE_SECONDS: '1', TMP_TTL_HOURS: String(6 / HOUR) })
  try {
    await begin(server, new Witness(), own.random)
    await own.clock.set(0)
    const until = performance.now() + PATIENCE
    while ((await server.inbox()).length > 0 && performance.now() < until) {
      await pause(2500)
      await server.kill()
      await server.start()
    }
    for (const part of await server.inbox()) findings.left.push(`part ${part}, begun in the future`)
    return findings
  } finally {
    await server.stop()
  }
}

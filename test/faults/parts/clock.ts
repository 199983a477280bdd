import { setMaxListeners } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Clock, findFaketime } from '../../support/clock.js'
import { pause, TestServer } from '../../support/server.js'
import { tus } from '../../support/tus.js'
import { audit } from '../audit.js'
import { broken, type Break } from '../mutant.js'
import { add, faults, noFindings, repeat, type Findings, type Part } from '../part.js'
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
const HABITS: Habits = { largest: LARGEST, forms: 20, declared: 0, chunkSizes: [16 * 1024, 128 * 1024] }
/** Seconds. Longer than an epoch: whatever ends before was ended by the clock. */
const LONG = 120
/** What a slow machine may add to a lease, in milliseconds. */
const PATIENCE = 20_000

const ARRIVAL = 'src/intake/arrival.js'
const BY_WALL_CLOCK: Break[] = [
  {
    file: ARRIVAL,
    from: 'performance.now(), touchedAt: Date.now()',
    to: 'Date.now(), touchedAt: Date.now()',
  },
  { file: ARRIVAL, from: 'lastByte: performance.now(),\n', to: 'lastByte: Date.now(),\n' },
  { file: ARRIVAL, from: 'performance.now() - lastByte', to: 'Date.now() - lastByte' },
  { file: 'src/intake/claims.js', from: 'performance.now() - lastByte', to: 'Date.now() - lastByte' },
]

/** The wall clock is set back and forth, by hours and by decades, while senders send and over starts of the server. */
export const clock: Part = {
  name: 'clock',
  title: 'the clock set by hours to decades, while it runs and over starts; leases and lives of uploads',
  unit: 'jumps',
  rounds: { ci: 50, full: 1000 },
  trouble: () => (findFaketime() ? undefined : 'libfaketime is not installed'),
  run: (bench) => repeat(bench, EPOCH, (rounds, random) => epoch(rounds, random)),
  controls: [
    broken('leases and idleness counted by the wall clock', BY_WALL_CLOCK, (bench, command) =>
      repeat(bench, EPOCH, (rounds, random) => epoch(rounds, random, command)),
    ),
  ],
}

async function epoch(rounds: number, random: Random, command?: string[]): Promise<Findings> {
  const dir = await mkdtemp(join(tmpdir(), 'ferry-clock-'))
  try {
    const own = { clock: await Clock.in(dir), command, random }
    const findings = await sendThroughJumps(rounds, own)
    for (const look of [leasesThroughJumps, lifeAfterTheFuture])
      if (faults(findings) === 0) add(findings, await look(own))
    return findings
  } finally {
    await rm(dir, { recursive: true, force: true })
  }
}

interface Own {
  clock: Clock
  command: string[] | undefined
  random: Random
}

function startServer({ clock, command }: Own, env: Record<string, string>): Promise<TestServer> {
  return TestServer.start({ env: { ...clock.env, ...env }, ...(command ? { command } : {}) })
}

/** Files are sent, others were begun and left; no jump ends any of them. */
async function sendThroughJumps(rounds: number, own: Own): Promise<Findings> {
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
    return { ...(await audit(server, witness)), rounds }
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

  override ended(url: string): void {
    const file = this.pending.get(url)?.specimen
    if (file && !this.#isStored(file)) this.broken.push(`${url} was ended`)
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
  await tus.patch(url, 0, bytesOf(file).subarray(0, half))
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

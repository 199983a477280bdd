import { setMaxListeners } from 'node:events'
import { join } from 'node:path'
import type { Mounted } from '../support/mount.js'
import { pause, TestServer } from '../support/server.js'
import { md5, tus } from '../support/tus.js'
import { audit } from './audit.js'
import { Ballast } from '../support/ballast.js'
import { add, noFindings, type Findings } from './part.js'
import { sendByPieces } from './pieces.js'
import { bytesOf, specimen, type Random, type Specimen } from './random.js'
import { sendByForm, sendByTus, type Sending } from './senders.js'
import { StrictWitness } from './witness.js'

export const SENDERS = 8
const LARGEST = 3 * 1024 * 1024
/** How long, in milliseconds, something is waited for that has to come. */
const PATIENCE = 45_000
/** What a sender may hear: a server that is full says 507 to whatever does not fit, and to nothing else. */
const PROPER = new Set([200, 201, 204, 507])

/** One way in which a disk becomes full. */
export interface Filling {
  title: string
  mount: () => Promise<Mounted>
  /** What is taken before the senders begin. */
  before?: (ballast: Ballast) => Promise<void>
  /** What is taken while they send. */
  meanwhile?: (ballast: Ballast) => Promise<void>
  /** The server is killed and has to start on the full disk. */
  restarts?: boolean
  /**
   * Then SIGBUS may end it: SQLite's index of its log is mapped, and takes for granted that a page of it has one block. It has
   * to start when there is room again.
   */
  mayDie?: boolean
  /** Nobody sends but one who needs the room of uploads that were left behind. */
  abandoned?: boolean
}

/** Fills a disk under eight senders, looks what the server says meanwhile, makes room, and sees everybody end well. */
export function fill(filling: Filling, random: Random, command?: string[]): Promise<Findings> {
  return onDisk(filling.mount, command, {}, (server, ballast) => fillUnder(server, ballast, filling, random))
}

async function onDisk(
  mount: () => Promise<Mounted>,
  command: string[] | undefined,
  env: Record<string, string>,
  strike: (server: TestServer, ballast: Ballast) => Promise<Findings>,
): Promise<Findings> {
  const disk = await mount()
  try {
    const server = await TestServer.start({
      dir: join(disk.dir, 'ferry'),
      env: { LEASE_SECONDS: '1', ...env },
      ...(command ? { command } : {}),
    })
    try {
      return await strike(server, await Ballast.on(disk.dir))
    } finally {
      await server.kill()
    }
  } finally {
    await disk.unmount()
  }
}

async function fillUnder(
  server: TestServer,
  ballast: Ballast,
  { before, meanwhile, restarts, mayDie }: Filling,
  random: Random,
): Promise<Findings> {
  const findings = { ...noFindings(), rounds: 1 }
  const witness = new StrictWitness()
  const heard = new Set<number>()
  const stop = new AbortController()
  setMaxListeners(0, stop.signal)
  const sending = {
    server: server.url,
    witness,
    signal: stop.signal,
    heard: (status: number) => void heard.add(status),
  }
  const known = random.specimen(200_000)
  await sendByTus(known, sending)

  await before?.(ballast)
  const senders = Array.from({ length: SENDERS }, (_, number) => sendOne(number, sending, random.fork()))
  await pause(random.between(20, 300))
  await meanwhile?.(ballast)
  await until(() => heard.has(507))
  findings.stuck.push(...(await complaints(server, known)))
  const trouble = restarts ? await restart(server, random) : undefined
  const starts = trouble === undefined
  if (!starts && !(mayDie && trouble.includes('SIGBUS'))) findings.stuck.push(`on the full disk: ${trouble}`)
  await pause(random.between(0, 1000))
  if (starts) findings.stuck.push(...(await complaints(server, known)))

  await ballast.give()
  if (!starts) await server.start()
  const late = setTimeout(() => stop.abort(), PATIENCE)
  findings.stuck.push(...(await Promise.all(senders)).flat(), ...witness.deserted)
  clearTimeout(late)
  if (!heard.has(507)) findings.stuck.push('the disk was never full')
  for (const status of heard)
    if (!PROPER.has(status)) findings.stuck.push(`a sender was answered with ${status}`)
  if (!(await until(async () => (await server.inbox()).length === 0)))
    findings.left.push(...(await server.inbox()).map((part) => `part ${part}, its upload over`))
  add(findings, await audit(server, witness))
  return findings
}

/** One sender's files. Small steps make the ledger grow where the part does not. Returns what was not sent. */
async function sendOne(number: number, sending: Sending, random: Random): Promise<string[]> {
  const unsent: string[] = []
  for (let files = 0; files < 2; files++) {
    const isSmall = number % 4 === 0
    const file = isSmall ? random.specimen(50_000) : large(random)
    const declared = random.percent(70)
    const chunkSize = isSmall ? 1000 : random.pick([64 * 1024, 512 * 1024, Infinity])
    const sent =
      number % 4 === 1
        ? await sendByForm(file, sending, { declared })
        : number % 4 === 2
          ? await sendByPieces(file, sending, random.fork(), { declared })
          : await sendByTus(file, sending, { declared, chunkSize })
    if (!sent) unsent.push(`${file.filename} (${file.size} bytes) was not sent in the end`)
  }
  return unsent
}

function large(random: Random): Specimen {
  return specimen(random.between(1, 4_294_967_295), random.between(LARGEST / 2, LARGEST))
}

/** What a full server must still do: tell what it has, and hand it out. Returns what it did not. */
async function complaints(server: TestServer, known: Specimen): Promise<string[]> {
  const check = await fetch(`${server.url}/check?md5=${known.md5}`)
  const reply = (await check.json()) as { status: string; url: string }
  if (reply.status !== 'exists') return [`while full, /check says ${check.status} ${JSON.stringify(reply)}`]
  const download = await fetch(new URL(new URL(reply.url).pathname, server.url))
  const got = md5(new Uint8Array(await download.arrayBuffer()))
  if (got !== known.md5) return [`while full, a download is ${download.status} with md5 ${got}`]
  return []
}

/** Ends the server, one way or the other, and starts it on the full disk. Where it does not start: what it said. */
async function restart(server: TestServer, random: Random): Promise<string | undefined> {
  if (random.percent(50)) await server.kill()
  else await server.terminate()
  try {
    await server.start()
    return undefined
  } catch (error) {
    return (error as Error).message
  }
}

/** Uploads that nobody goes on with fill the disk: their expiry alone has to make room for the next one. */
export function fillAbandoned(
  { mount }: Pick<Filling, 'mount'>,
  random: Random,
  command?: string[],
): Promise<Findings> {
  return onDisk(mount, command, { TMP_TTL_HOURS: '0.001' }, async (server, ballast) => {
    const witness = new StrictWitness()
    await ballast.leave(2 * LARGEST)
    for (let status = 201; status < 300;) status = await abandon(server, large(random))
    await ballast.takeRoom()
    const signal = AbortSignal.timeout(PATIENCE)
    const sent = await sendByTus(large(random), { server: server.url, witness, signal })
    const stuck = sent ? [] : ['abandoned uploads fill the disk, and do not expire']
    await ballast.give()
    const findings = await audit(server, witness)
    return { ...findings, rounds: 1, stuck: [...stuck, ...findings.stuck] }
  })
}

/** Half an upload; returns the last answer's status. */
async function abandon({ url }: TestServer, file: Specimen): Promise<number> {
  const created = await tus.create(url, undefined)
  if (!created.ok) return created.status
  const { status } = await tus.patch(tus.location(url, created), 0, bytesOf(file))
  return status
}

async function until(isSo: () => boolean | Promise<boolean>): Promise<boolean> {
  for (const end = Date.now() + PATIENCE; Date.now() < end; await pause(50)) if (await isSo()) return true
  return false
}

import { setMaxListeners } from 'node:events'
import { mkdir, open } from 'node:fs/promises'
import { join } from 'node:path'
import { mountDisk, type Disk } from '../../support/mount.js'
import { pause, TestServer } from '../../support/server.js'
import { find } from '../../support/tools.js'
import { audit } from '../audit.js'
import { broken, type Break } from '../mutant.js'
import { noFindings, repeat, type Control, type Findings, type Part } from '../part.js'
import { sendByPieces } from '../pieces.js'
import type { Random } from '../random.js'
import { sendByForm, sendByTus, type Sending } from '../senders.js'
import { StrictWitness } from '../witness.js'

type Kind = 'ext4' | 'xfs'

const CLIENTS = 7
/** Cuts before the server is audited and begins with a new disk. */
const EPOCH = 20
/** The same for a control, which is over with the first fault. */
const SHORT_EPOCH = 3
const LARGEST = 4 * 1024 * 1024
/** Megabytes; never filled, and holes cost nothing. */
const DISK = 2048

/** Power cuts at random moments, while seven senders upload by tus and by form, with and without a declared MD5. */
export const power: Part[] = [powerCuts('ext4'), powerCuts('xfs')]

function powerCuts(kind: Kind): Part {
  return {
    name: `power-${kind}`,
    title: `power cuts on ${kind}, ${CLIENTS} senders by tus, pieces and form`,
    unit: 'cuts',
    rounds: { ci: 20, full: 500 },
    trouble: () => trouble(kind),
    run: (bench) => repeat(bench, EPOCH, (cuts, random) => epoch(kind, cuts, random)),
    controls: [
      control(kind, 'a machine whose syncs do nothing', { under: ['eatmydata'] }),
      control(kind, 'a part that is not synced', {
        breaks: [
          {
            file: 'src/store/part.js',
            from: 'return this.handle.datasync();',
            to: 'return Promise.resolve();',
          },
          { file: 'src/store/part.js', from: 'return this.handle.sync();', to: 'return Promise.resolve();' },
        ],
      }),
      control(kind, 'a ledger that does not wait for the disk', {
        breaks: [{ file: 'src/store/ledger-schema.js', from: 'synchronous=FULL', to: 'synchronous=OFF' }],
      }),
    ],
  }
}

function trouble(kind: Kind): string | undefined {
  if (process.getuid?.() !== 0) return 'needs root'
  const absent = ['mount', `mkfs.${kind}`, 'xfs_io', 'eatmydata'].filter((program) => !find(program))
  return absent.length > 0 ? `${absent.join(', ')} not installed` : undefined
}

function control(
  kind: Kind,
  title: string,
  { under = [], breaks = [] }: { under?: string[]; breaks?: Break[] },
): Control {
  return broken(title, breaks, (bench, command) =>
    repeat(bench, SHORT_EPOCH, (cuts, random) => epoch(kind, cuts, random, [...under, ...command])),
  )
}

async function epoch(kind: Kind, cuts: number, random: Random, command?: string[]): Promise<Findings> {
  const disk = await mountDisk(kind, DISK)
  try {
    const dir = await makeFolder(disk)
    // A short lease: a creation whose answer was lost in a cut must not keep its own sender out for a minute.
    const env = { LEASE_SECONDS: '1' }
    const server = await TestServer.start({ dir, env, ...(command ? { command } : {}) })
    try {
      return await cutOften(new Machine(disk, server), cuts, random)
    } finally {
      await server.kill()
    }
  } finally {
    await disk.unmount()
  }
}

/** The server's folder, on disk before it starts: its operator made it long ago. */
async function makeFolder(disk: Disk): Promise<string> {
  const dir = join(disk.dir, 'ferry')
  await mkdir(dir)
  const above = await open(disk.dir, 'r')
  await above.sync().finally(() => void above.close())
  return dir
}

async function cutOften(machine: Machine, cuts: number, random: Random): Promise<Findings> {
  const { server, witness } = machine
  const stop = new AbortController()
  setMaxListeners(0, stop.signal)
  const sending = { server: server.url, witness, signal: stop.signal }
  const senders = Array.from({ length: CLIENTS }, () => sendOn(sending, random.fork()))
  try {
    for (let cut = 1; cut <= cuts; cut++) {
      await pause(random.between(20, 400))
      await machine.cutPower()
      // One in four comes while the former one is being recovered from.
      if (random.percent(25)) await machine.startAndCut(random.between(50, 500))
      const trouble = await machine.start()
      if (trouble) return { ...noFindings(), rounds: cut, lost: [trouble] }
    }
    await pause(200)
  } finally {
    stop.abort()
    await Promise.all(senders)
  }
  return { ...(await audit(server, witness)), rounds: cuts }
}

/** A server and its disk, which go dark together. */
class Machine {
  readonly witness = new StrictWitness()

  constructor(
    readonly disk: Disk,
    readonly server: TestServer,
  ) {}

  /** The power goes; when this resolves it is back, and the server is not yet started. */
  async cutPower(): Promise<void> {
    this.witness.mayEnd = true // a sync fails from now on, and that ends an upload
    await this.disk.cutPower()
    await this.server.kill()
    await this.disk.reboot()
    this.witness.mayEnd = false
  }

  async startAndCut(milliseconds: number): Promise<void> {
    const started = this.server.start().catch(() => undefined) // it need not come so far
    await pause(milliseconds)
    await this.cutPower()
    await started
  }

  /** Returns why the server does not start any more, undefined where it does. */
  async start(): Promise<string | undefined> {
    try {
      await this.server.start()
      return undefined
    } catch (error) {
      if ('code' in (error as Error)) throw error // it could not even be spawned
      return (error as Error).message
    }
  }
}

/** One sender: file after file, until it is called off. */
async function sendOn(sending: Sending, random: Random): Promise<void> {
  const { witness } = sending
  while (!sending.signal?.aborted) {
    const again = random.percent(15) && random.pick([...witness.stored.values()])
    const file = again ? { ...again, filename: 'again.mp4' } : random.specimen(LARGEST)
    const declared = !again && random.percent(70)
    if (random.percent(30)) await sendByForm(file, sending, { declared })
    else if (random.percent(40)) await sendByPieces(file, sending, random.fork(), { declared })
    else {
      const chunkSize = random.pick([64 * 1024, 512 * 1024, Infinity])
      await sendByTus(file, sending, { declared, chunkSize, uploadLengthDeferred: random.percent(10) })
    }
  }
}

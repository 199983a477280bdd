import { randomBytes } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { inspect } from '../faults/audit.js'
import { noFindings } from '../faults/part.js'
import { Random } from '../faults/random.js'
import { Witness } from '../faults/witness.js'
import { filePart, formBytes, post } from '../support/form.js'
import { pause, TestServer } from '../support/server.js'
import { converse, type Ids } from './conversation.js'
import { faultOfAnswer, faultOfLog, faultOfRefusal, statusesIn } from './judge.js'
import { caseOf, type Case } from './mutate.js'
import { HOST, KNOWN } from './request.js'

/** What was wrong, and what was sent before. */
export interface Finding {
  what: string
  /** One where the answer itself was wrong; else those that were sent last. */
  cases: Case[]
  /** What the server's log says of it. */
  log: string[]
}

export interface Tally {
  cases: number
  /** How often each status was answered. */
  statuses: Map<string, number>
  /** How often the control client has brought a file. */
  controls: number
  /** Bytes that the server's memory took at most. */
  memory: number
  findings: Finding[]
}

/** How many connections there are at once. */
const CONNECTIONS = 16
/** So many cases are remembered, in case that the server dies of one of them. */
const MEMORY = 40
/** What the server may take, in bytes, whatever is sent to it. */
const MOST_MEMORY = 400 * 1024 * 1024
/** Uploads are soon dead, and soon gone. */
const ENV = { LEASE_SECONDS: '2', TMP_TTL_HOURS: '0.001', MAX_SIZE: '100MB', ALLOWED_HOSTS: HOST }

/** Strikes at a server of its own for so many milliseconds, or until the first finding where `untilFound`. */
export async function round(
  random: Random,
  milliseconds: number,
  { command, untilFound = false }: { command?: string[]; untilFound?: boolean } = {},
): Promise<Tally> {
  const server = await start(command)
  const tally: Tally = { cases: 0, statuses: new Map(), controls: 0, memory: 0, findings: [] }
  const siege = new Siege(server, tally)
  try {
    await siege.control(KNOWN.bytes)
    const until = performance.now() + milliseconds
    const goesOn = () =>
      performance.now() < until && server.runs && !(untilFound && tally.findings.length > 0)
    const attackers = Array.from({ length: CONNECTIONS }, () => siege.attack(random.fork(), goesOn))
    await Promise.all([...attackers, siege.watch(goesOn)])
    await siege.conclude()
  } finally {
    await server.stop()
  }
  return tally
}

/** Sends one case to a server of its own; what was wrong then. */
export async function replay(sent: Case, command?: string[]): Promise<string[]> {
  const server = await start(command)
  const tally: Tally = { cases: 0, statuses: new Map(), controls: 0, memory: 0, findings: [] }
  const siege = new Siege(server, tally)
  try {
    await siege.control(KNOWN.bytes)
    await siege.send(sent)
    await siege.conclude()
  } finally {
    await server.stop()
  }
  return tally.findings.map(({ what }) => what)
}

/** Whoever else runs on this machine may have taken the free port meanwhile. */
async function start(command: string[] | undefined): Promise<TestServer> {
  const options = { env: ENV, ...(command && { command }) }
  return TestServer.start(options).catch(() => TestServer.start(options))
}

class Siege {
  readonly #server: TestServer
  readonly #tally: Tally
  readonly #ids: Ids = []
  readonly #last: Case[] = []
  /** What was sent about each upload. */
  readonly #about = new Map<string, Case[]>()
  #logged: number

  constructor(server: TestServer, tally: Tally) {
    this.#server = server
    this.#tally = tally
    this.#logged = server.output.length
  }

  async attack(random: Random, goesOn: () => boolean): Promise<void> {
    while (goesOn()) await this.send(caseOf(random.fork()))
  }

  async send(sent: Case): Promise<void> {
    this.#last.push(sent)
    if (this.#last.length > MEMORY) this.#last.shift()
    const { received, uploads } = await converse(this.#server.port, sent, this.#ids)
    for (const id of uploads) this.#about.set(id, [...(this.#about.get(id) ?? []), sent])
    const { statuses } = this.#tally
    this.#tally.cases += 1
    for (const status of statusesIn(received)) statuses.set(status, (statuses.get(status) ?? 0) + 1)
    const what = faultOfAnswer(received, this.#server) ?? faultOfRefusal(received, sent)
    if (what) this.#tally.findings.push({ what: `${sent.door}: ${what}`, cases: [sent], log: [] })
  }

  /** Meanwhile: an honest client, the log, the memory. */
  async watch(goesOn: () => boolean): Promise<void> {
    while (goesOn()) {
      await this.control(randomBytes(5000))
      await this.#look()
      await pause(500)
    }
  }

  /** An honest client brings a file and gets it back. */
  async control(bytes: Buffer): Promise<void> {
    const { url } = this.#server
    try {
      const { reply } = await post(url, formBytes({ head: filePart('control.bin'), body: bytes }))
      const link = new URL(String(reply['url']))
      const response = await fetch(url + link.pathname, { signal: AbortSignal.timeout(10_000) })
      if (!Buffer.from(await response.arrayBuffer()).equals(bytes)) throw new Error(`HTTP ${response.status}`)
      this.#tally.controls += 1
    } catch (error) {
      this.#find(`an honest client could not bring a file: ${String(error)}`)
    }
  }

  /** After all: nothing is left of what was sent, and every file is what its name says. */
  async conclude(): Promise<void> {
    if (this.#server.runs) {
      const left = noFindings()
      await inspect(this.#server, new Witness(), left)
      for (const what of [...left.wrong, ...left.left]) {
        const [id = ''] = /[0-9a-f]{32}/.exec(what) ?? []
        const told = this.#server.output
          .split('\n')
          .filter((line) => line.includes(`upload=${id.slice(0, 8)}`))
        this.#find(`left behind: ${what}`, this.#about.get(id), told)
      }
      await this.control(randomBytes(5000))
    }
    await this.#look()
  }

  async #look(): Promise<void> {
    const { output } = this.#server
    const what = faultOfLog(output.slice(this.#logged), this.#server)
    this.#logged = output.length
    if (what) this.#find(what)
    if (!this.#server.runs) return this.#find('the server has died')
    const status = await readFile(`/proc/${this.#server.pid}/status`, 'utf8').catch(() => '')
    const bytes = Number(/^VmRSS:\s+(\d+) kB/m.exec(status)?.[1] ?? 0) * 1024
    this.#tally.memory = Math.max(this.#tally.memory, bytes)
    if (bytes > MOST_MEMORY) this.#find(`the server takes ${Math.round(bytes / 1024 ** 2)} MiB`)
  }

  #find(what: string, cases = [...this.#last], log: string[] = []): void {
    this.#tally.findings.push({ what, cases, log })
  }
}

/** What a finding has in common with others of its kind: its words without what differs each time. */
export function kindOf({ what }: Finding): string {
  return what
    .replace(/[0-9a-f]{8,}/g, '…')
    .replace(/\d+/g, 'N')
    .slice(0, 120)
}

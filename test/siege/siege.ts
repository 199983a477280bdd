import { createWriteStream } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { randomBytes } from 'node:crypto'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { ClientHome } from '../support/client.js'
import { pause, TestServer } from '../support/server.js'
import { Besiegers } from './besiegers.js'

const MIB = 1024 * 1024

export interface Siege {
  idle: number
  stalled: number
  /** What the honest one uploads, in bytes. */
  bytes: number
  /** From how many addresses the others come. */
  addresses: number
  env?: Record<string, string>
}

export interface Outcome {
  /** Connections of theirs that were open together while the honest upload went on, on the average. */
  held: number
  refused: number
  /** The honest upload's exit code, and its time in seconds. */
  code: number | null
  seconds: number
  /** Answers to /check, and their times in milliseconds. */
  checks: number
  failedChecks: number
  p50: number
  p99: number
  max: number
  /** The server's resident memory at its highest, in MiB. */
  rss: number
}

/** Somebody uploads a file and others ask /check while many connections are only in the way. */
export async function besiege({ idle, stalled, bytes, addresses, env = {} }: Siege): Promise<Outcome> {
  const server = await TestServer.start({ env })
  const home = await ClientHome.create()
  const besiegers = new Besiegers(server.port, addresses)
  try {
    const path = home.path('film.mp4')
    await pipeline(Readable.from(random(bytes)), createWriteStream(path))
    await besiegers.gather(idle, stalled)
    await pause(1000)
    const over = new AbortController()
    const watching = watch(server, besiegers, over.signal)
    const begun = performance.now()
    const { code } = await home.run(['upload', '-s', server.address, path])
    const seconds = (performance.now() - begun) / 1000
    over.abort()
    const { times, failedChecks, held } = await watching
    const at = (share: number) => Math.round(times[Math.floor((times.length - 1) * share)]! * 10) / 10
    const [checks, p50, p99, max] = [times.length, at(0.5), at(0.99), at(1)]
    const rss = await highestRss(server.pid)
    return { held, refused: besiegers.refused, code, seconds, checks, failedChecks, p50, p99, max, rss }
  } finally {
    besiegers.leave()
    await Promise.all([server.stop(), home.remove()])
  }
}

function* random(bytes: number): Generator<Buffer> {
  const block = randomBytes(MIB)
  for (let at = 0; at < bytes; at += MIB) {
    block.writeUInt32LE(at / MIB)
    yield Buffer.from(block.subarray(0, Math.min(MIB, bytes - at)))
  }
}

/** Asks every 20 ms, one question after the other on a line that is kept, as a page does. */
async function watch(server: TestServer, besiegers: Besiegers, signal: AbortSignal) {
  const times: number[] = []
  let failedChecks = 0
  let sum = 0
  while (!signal.aborted) {
    sum += besiegers.open
    const begun = performance.now()
    const md5 = randomBytes(16).toString('hex')
    const status = await fetch(`${server.url}/check?md5=${md5}`)
      .then(async (answer) => (await answer.text(), answer.status))
      .catch(() => 0)
    if (status !== 200) failedChecks += 1
    times.push(performance.now() - begun)
    await pause(20)
  }
  return { times: times.sort((a, b) => a - b), failedChecks, held: Math.round(sum / times.length) }
}

async function highestRss(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8')
  return Math.round(Number(/VmHWM:\s+(\d+)/.exec(status)![1]) / 1024)
}

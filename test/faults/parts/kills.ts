import { setMaxListeners } from 'node:events'
import { pause, TestServer } from '../../support/server.js'
import { audit } from '../audit.js'
import { broken, type Break } from '../mutant.js'
import { repeat, type Findings, type Part } from '../part.js'
import type { Random } from '../random.js'
import { sendOn, type Habits } from '../senders.js'
import { StrictWitness } from '../witness.js'

const CLIENTS = 8
/** Kills before the server is audited and begins with empty folders. */
const EPOCH = 40
const HABITS: Habits = {
  largest: 6 * 1024 * 1024,
  forms: 30,
  pieces: 40,
  declared: 70,
  chunkSizes: [64 * 1024, 512 * 1024, Infinity],
}

const FINISH_BEHIND: Break = {
  file: 'src/intake/receiving.js',
  from: 'return this.#finish(arrival);',
  to: `void this.#finish(arrival).catch(() => undefined);
    const { md5, filename } = arrival.claim;
    return { state: 'finished', id: arrival.id, content: { md5, filename, size: arrival.front, file: md5 + '.bin' } };`,
}

const BLIND: Break = {
  file: 'src/store/recover.js',
  from: 'return Math.max(row.front, ...pieces',
  to: 'return Math.max(row.front, ...[]',
}

/** SIGKILL at random moments, while eight senders upload by tus and by form, with and without a declared MD5. */
export const kills: Part = {
  name: 'kills',
  title: 'random SIGKILL of the server, 8 senders by tus, pieces and form',
  unit: 'kills',
  rounds: { ci: 200, full: 10_000 },
  trouble: () => undefined,
  run: (bench) => repeat(bench, EPOCH, (rounds, random) => epoch(rounds, random)),
  controls: [
    broken('a finish moved behind the answer', [FINISH_BEHIND], (bench, command) =>
      repeat(bench, EPOCH, (rounds, random) => epoch(rounds, random, command)),
    ),
    broken('a recovery that does not see placed pieces', [BLIND], (bench, command) =>
      repeat(bench, EPOCH, (rounds, random) => epoch(rounds, random, command)),
    ),
  ],
}

async function epoch(rounds: number, random: Random, command?: string[]): Promise<Findings> {
  // A short lease: a creation whose answer was lost in a kill must not keep its own sender out for a minute.
  const server = await TestServer.start({ env: { LEASE_SECONDS: '1' }, ...(command ? { command } : {}) })
  const witness = new StrictWitness()
  const stop = new AbortController()
  setMaxListeners(0, stop.signal)
  try {
    const sending = { server: server.url, witness, signal: stop.signal }
    const senders = Array.from({ length: CLIENTS }, () => sendOn(sending, random.fork(), HABITS))
    for (let kill = 0; kill < rounds; kill++) {
      await pause(random.between(5, 300))
      await server.kill()
      // One kill in four comes while the former one is being recovered from.
      if (random.percent(25)) await server.startAndKill(random.between(50, 500))
      await server.start()
    }
    await pause(200)
    stop.abort()
    await Promise.all(senders)
    return { ...(await audit(server, witness)), rounds }
  } finally {
    stop.abort()
    await server.stop()
  }
}

import { Namespace, networkTrouble } from '../../support/namespace.js'
import { pause, TestServer } from '../../support/server.js'
import { audit } from '../audit.js'
import { Journey, type Kind, type Order } from '../line/journey.js'
import { begin, someWeather, type Damage, type Weather } from '../line/weather.js'
import { broken, type Break } from '../mutant.js'
import { noFindings, repeat, type Bench, type Findings, type Part } from '../part.js'
import { specimen, type Random } from '../random.js'
import { Witness } from '../witness.js'

/** Lines at once, each with a weather of its own. */
const LINES = 4
/** Uploads before the server is audited and begins with empty folders. */
const EPOCH = 50
/** Bytes, least and most. A form can't be resumed: one that is longer than a line holds never arrives. */
const SIZES: Record<Kind, [number, number]> = {
  tus: [50_000, 2_500_000],
  ferry: [50_000, 2_500_000],
  form: [1, 50_000],
}
/** Seconds. Whoever vanishes keeps others out for as long. */
const LEASE = 3
/** Until an upload must be there, in milliseconds: a lost packet can cost TCP seconds, and the machine may be slow. */
const PATIENCE = 120_000
/** What a sender may send, as a multiple of the file, and of what heads and handshakes add, in bytes. */
const WASTE = { times: 3, heads: 256 * 1024 }

const FORGETFUL: Break = {
  file: 'src/intake/standing.js',
  from: 'offset: reported(arrival),',
  to: 'offset: 0,',
}

/** Uploads by stock tus clients, Ferry's own and forms over lines that lose, cut, crawl and fall silent. */
export const line: Part = {
  name: 'line',
  title: '5 % loss, 1 % resets, 10 Mbit/s, latency, half-open connections, a proxy that cuts every 256 KiB',
  unit: 'uploads',
  rounds: { ci: 50, full: 1000 },
  trouble: networkTrouble,
  run: (bench) =>
    repeat(bench, EPOCH, (rounds, random) => epoch({ rounds, random, patience: PATIENCE }, bench)),
  controls: [
    broken('a server that forgets at HEAD what it has', [FORGETFUL], (bench, command) => {
      const trial = { weather: { cutEvery: 64 * 1024 }, patience: 10_000, command }
      return repeat(bench, LINES, (rounds, random) => epoch({ ...trial, rounds, random }, bench))
    }),
  ],
}

interface Trial {
  rounds: number
  random: Random
  /** Milliseconds that an upload may take. */
  patience: number
  /** The same for all; otherwise chance. */
  weather?: Weather
  command?: string[]
}

interface House extends Trial {
  server: TestServer
  witness: Witness
  findings: Findings
  /** What was to be sent, and what came out of the cables, in bytes: of senders that can resume. */
  bytes: { wanted: number; sent: number }
  damage: Damage
}

async function epoch(trial: Trial, bench: Bench): Promise<Findings> {
  const { command, rounds, random } = trial
  const env = { LEASE_SECONDS: String(LEASE) }
  const server = await TestServer.start({ env, ...(command ? { command } : {}) })
  const bytes = { wanted: 0, sent: 0 }
  const damage = { lost: 0, broken: 0 }
  const house: House = { ...trial, server, witness: new Witness(), findings: noFindings(), bytes, damage }
  try {
    let left = rounds
    const lines = Array.from({ length: LINES }, () => useLine(house, random.fork(), () => left-- > 0))
    // Every line is taken down before anything is thrown.
    for (const end of await Promise.allSettled(lines)) if (end.status === 'rejected') throw end.reason
    const times = (bytes.sent / bytes.wanted).toFixed(2)
    bench.say(
      `${damage.lost} packets lost, ${damage.broken} connections broken, ${times} times the files’ bytes sent`,
    )
    const audited = await audit(server, house.witness)
    return { ...audited, rounds, stuck: [...house.findings.stuck, ...audited.stuck] }
  } finally {
    await server.stop()
  }
}

/** One line, and one upload after the other over it. */
async function useLine(house: House, random: Random, isMore: () => boolean): Promise<void> {
  const space = Namespace.open()
  try {
    while (isMore()) await upload(house, space, random)
  } finally {
    space.close()
  }
}

async function upload(house: House, space: Namespace, random: Random): Promise<void> {
  const { server, witness, findings, patience } = house
  const weather = house.weather ?? someWeather(random)
  const { port, end } = await begin(weather, space, server.port)
  const kind: Kind = house.weather ? 'tus' : random.pick(['tus', 'tus', 'ferry', 'form'])
  const file = specimen(random.between(1, 4_294_967_295), random.between(...SIZES[kind]))
  const chunkSize = random.pick([64 * 1024, 512 * 1024, Infinity])
  const before = await space.sent()
  const address = `${space.host}:${port}`
  const journey = await Journey.begin({ kind, file, address, space, witness, chunkSize })
  try {
    if (weather.halfOpen) await fallSilent(journey, port, random)
    if (!(await journey.arrives(patience)))
      findings.stuck.push(`${tell(journey.order, weather)}:\n${journey.said.slice(-1000)}`)
    if (kind !== 'form') weigh(house, journey.order, weather, (await space.sent()) - before)
  } finally {
    await journey.end()
    const { lost, broken } = await end()
    house.damage.lost += lost
    house.damage.broken += broken
  }
}

/** The line falls silent at some moment and its sender is gone; the next one begins anew on a new connection. */
async function fallSilent(journey: Journey, port: number, random: Random): Promise<void> {
  await pause(random.between(300, 1500))
  journey.order.space.silence(port)
  await journey.beginAnew()
}

function weigh({ bytes, findings }: House, order: Order, weather: Weather, sent: number): void {
  bytes.wanted += order.file.size
  bytes.sent += sent
  // A proxy has bytes taken in when it breaks, and nobody can know how many never went on: that is only reported.
  const isDirect = weather.latency === undefined && weather.cutEvery === undefined
  if (isDirect && sent > order.file.size * WASTE.times + WASTE.heads)
    findings.stuck.push(`${tell(order, weather)}: ${sent} bytes crossed`)
}

function tell({ kind, file, chunkSize }: Order, weather: Weather): string {
  return `${kind} with ${file.size} bytes in chunks of ${chunkSize}, ${JSON.stringify(weather)}`
}

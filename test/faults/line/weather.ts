import type { Namespace } from '../../support/namespace.js'
import { Line } from '../../support/proxy.js'
import type { Random } from '../random.js'

/** What is wrong with a line. */
export interface Weather {
  /** The share of packets that is lost. */
  loss?: number
  /** The share of packets with data that break their connection. */
  resets?: number
  /** Bits per second. */
  rate?: number
  /** The connections fall silent for good, and the sender begins anew. */
  halfOpen?: boolean
  /** A proxy breaks each connection after so many bytes. */
  cutEvery?: number
  /** A proxy holds everything back for so many milliseconds, each way. */
  latency?: number
}

/** What it has done: packets that did not arrive, connections that broke. */
export interface Damage {
  lost: number
  broken: number
}

const KINDS: Required<Weather> = {
  loss: 0.05,
  resets: 0.01,
  rate: 10_000_000,
  halfOpen: true,
  cutEvery: 256 * 1024,
  latency: 60,
}

/** One kind, seldom two, hardly ever three. */
export function someWeather(random: Random): Weather {
  const names = Object.keys(KINDS) as (keyof Weather)[]
  const weather: Weather = {}
  for (let kinds = random.pick([1, 1, 2, 2, 3]); kinds > 0; kinds--) {
    const name = random.pick(names)
    Object.assign(weather, { [name]: KINDS[name] })
  }
  return weather
}

/** Lets the weather begin; returns the address to send to and how to end it. */
export async function begin(
  { loss, resets, rate, cutEvery, latency }: Weather,
  space: Namespace,
  port: number,
): Promise<{ port: number; end: () => Promise<Damage> }> {
  if (loss) space.lose(loss)
  if (resets) space.reset(resets)
  if (rate) space.slow(rate)
  const needsProxy = cutEvery !== undefined || latency !== undefined
  const proxy = needsProxy ? await Line.to(port, space.host) : undefined
  if (proxy && cutEvery) proxy.cutEvery = cutEvery
  if (proxy && latency) proxy.latency = latency
  return {
    port: proxy?.port ?? port,
    end: async () => {
      const { lost, broken } = space.mend()
      await proxy?.close()
      return { lost, broken: broken + (proxy?.cuts ?? 0) }
    },
  }
}

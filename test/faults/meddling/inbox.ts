import { appendFile, rename, rm, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { bytesOf } from '../random.js'
import type { Begun, House, Scenario } from './house.js'

interface Meddling {
  title: string
  strike: (begun: Begun, house: House) => Promise<void>
  /** Only with a declared MD5: without one, what is in the part is what was sent. */
  needsMd5?: boolean
  stopped?: boolean
}

const truncated: Meddling = {
  title: 'truncated',
  strike: ({ part, file }, { random }) => truncate(part, random.between(0, Math.floor(file.size / 20))),
}
const grown: Meddling = {
  title: 'grown',
  strike: ({ part, file }, { random }) =>
    appendFile(part, bytesOf({ number: 1, size: file.size * random.between(1, 2) })),
}
const deleted: Meddling = { title: 'deleted', strike: ({ part }) => rm(part) }

/** Replaced by as many bytes as it had while nobody looks: that only reading it again could tell, as for shelf files. */
const MEDDLINGS: Meddling[] = [
  ...[truncated, grown, deleted].flatMap((meddling) => [meddling, { ...meddling, stopped: true }]),
  { title: 'replaced', strike: ({ file, part }, house) => replace(house, part, file.size), needsMd5: true },
  {
    title: 'replaced by a shorter one',
    strike: ({ part }, house) => replace(house, part, 1),
    needsMd5: true,
    stopped: true,
  },
]

export const inboxScenarios: Scenario[] = MEDDLINGS.map((meddling) => ({
  title: `a part ${meddling.title} while the server ${meddling.stopped ? 'is stopped' : 'runs'}`,
  play: (house) => meddle(house, meddling),
}))

/** Whatever became of its bytes, the sender gets its file onto the shelf, and nothing else. */
async function meddle(house: House, { strike, needsMd5, stopped }: Meddling): Promise<void> {
  const begun = await house.begin(needsMd5 || undefined)
  // What is in the part is not what was acknowledged any more.
  house.witness.ended(begun.url)
  if (stopped) await house.stop()
  await strike(begun, house)
  if (stopped) await house.server.start()
  await house.goOn(begun)
}

async function replace({ server }: House, part: string, size: number): Promise<void> {
  const next = join(server.dir, 'next')
  await writeFile(next, bytesOf({ number: 2, size }))
  await rename(next, part)
}

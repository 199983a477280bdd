import { appendFile, mkdir, rename, rm, symlink, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { bytesOf, type Specimen } from '../random.js'
import type { House, Scenario } from './house.js'

interface Meddling {
  title: string
  strike: (path: string, file: Specimen, house: House) => Promise<void>
}

/** What somebody may do to a file on the shelf that its size or kind betrays. */
const MEDDLINGS: Meddling[] = [
  {
    title: 'truncated',
    strike: (path, { size }, { random }) => truncate(path, random.between(0, size - 1)),
  },
  {
    title: 'grown',
    strike: (path, _file, { random }) => appendFile(path, bytesOf(random.specimen(10_000))),
  },
  { title: 'deleted', strike: (path) => rm(path) },
  {
    title: 'replaced by another file',
    async strike(path, { size }, { random, server }) {
      const other = random.specimen(10_000)
      const next = join(server.dir, 'next')
      await writeFile(next, bytesOf(other.size === size ? { ...other, size: size + 1 } : other))
      await rename(next, path)
    },
  },
  {
    title: 'replaced by a folder',
    async strike(path) {
      await rm(path)
      await mkdir(path)
    },
  },
  {
    title: 'replaced by a link to what it was',
    async strike(path, _file, { server, random }) {
      const aside = join(server.dir, `aside-${random.between(1, 1e9)}`)
      await rename(path, aside)
      await symlink(aside, path)
    },
  },
]

export const shelfScenarios: Scenario[] = MEDDLINGS.flatMap((meddling) => [
  { title: `a shelf file ${meddling.title} while the server runs`, play: (house) => meddle(house, meddling) },
  {
    title: `a shelf file ${meddling.title} while the server is stopped`,
    play: (house) => meddle(house, meddling, { stopped: true }),
  },
])

/** The server never says `exists` of what was meddled with, and the same content brought again makes it right. */
async function meddle(house: House, { title, strike }: Meddling, { stopped = false } = {}): Promise<void> {
  const { server, findings } = house
  const file = await house.store()
  if (stopped) await house.stop()
  await strike(house.shelved(file), file, house)
  if (stopped) await server.start()
  const status = await house.statusOf(file)
  if (status !== 'notfound') findings.wrong.push(`${file.md5} was ${title}, /check says ${status}`)
  const served = await fetch(`${server.url}/files/${file.md5}.bin`)
  await served.arrayBuffer()
  if (served.ok) findings.wrong.push(`${file.md5} was ${title}, and is served as ${served.status}`)
  await house.bring(file)
}

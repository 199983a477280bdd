import Database from 'libsql'
import { appendFile, link, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { TestServer } from '../../support/server.js'
import { tus } from '../../support/tus.js'
import { bytesOf, specimen, type Random, type Specimen } from '../random.js'
import { finishByTus } from '../senders.js'

const SIZE = 300_000
const FRONT = 200_000

/** What a server has promised before it finds its folder in some state. */
export interface Promised {
  /** Uploads by URL, with the offset that was acknowledged. */
  open: { url: string; file: Specimen; offset: number }[]
  stored: Specimen[]
}

/** A folder in some state, to be started in again and again. */
export interface Start {
  name: string
  /** Brings the folder of a running server there, and ends the server. */
  prepare(server: TestServer, random: Random): Promise<Promised>
}

/** Nothing is there yet but one file that somebody has copied onto the shelf. */
const first: Start = {
  name: 'first start',
  async prepare(server, random) {
    await server.kill()
    for (const name of ['.ledger', '.lock', '.lock-journal'])
      await rm(join(server.files, name), { recursive: true, force: true })
    const file = specimen(random.between(1, 2 ** 31), SIZE)
    await writeFile(join(server.files, `${file.md5}.bin`), bytesOf(file))
    return { open: [], stored: [file] }
  },
}

/** Everything at once that a kill or a power cut may leave. */
const recovery: Start = {
  name: 'recovery',
  async prepare(server, random) {
    const stored = await upload(server, random, SIZE)
    const longer = await upload(server, random, FRONT)
    const linked = await upload(server, random, FRONT)
    const partless = await upload(server, random, FRONT)
    const newborn = await upload(server, random, 0)
    await server.kill()
    await appendFile(partOf(server, longer.url), Buffer.alloc(50_000, 9))
    await writeFile(partOf(server, linked.url), bytesOf(linked.file))
    await link(partOf(server, linked.url), join(server.files, `${linked.file.md5}.bin`))
    await rm(partOf(server, partless.url))
    await rm(partOf(server, newborn.url))
    await writeFile(join(server.tmp, `tmp_${'b'.repeat(32)}`), 'nobody’s')
    return { open: [longer, linked, newborn], stored: [stored.file] }
  },
}

/** The ledger is garbage: it is moved aside and begun anew, and the open uploads are gone with it. */
const torn: Start = {
  name: 'start with a torn ledger',
  async prepare(server, random) {
    const { file } = await upload(server, random, SIZE)
    await upload(server, random, FRONT)
    await server.kill()
    const ledger = join(server.files, '.ledger', 'ledger.db')
    const db = new Database(ledger)
    db.exec('PRAGMA wal_checkpoint(TRUNCATE)') // SQLite would heal it from what has not come back from there
    db.close()
    await writeFile(ledger, 'x'.repeat(40_000))
    return { open: [], stored: [file] }
  },
}

export const STARTS: Start[] = [recovery, torn, first]

async function upload(server: TestServer, random: Random, offset: number): Promise<Promised['open'][number]> {
  const file = specimen(random.between(1, 2 ** 31), SIZE)
  const { size, md5, filename } = file
  const url = tus.location(server.url, await tus.create(server.url, size, { md5, filename }))
  if (offset === size) await finishByTus(url, file)
  else if (offset > 0) await tus.patch(url, 0, bytesOf(file).subarray(0, offset))
  return { url, file, offset }
}

function partOf(server: TestServer, url: string): string {
  return join(server.tmp, `tmp_${url.split('/').at(-1)!}`)
}

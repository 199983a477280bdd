import Database from 'libsql'
import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { pause, TestServer } from '../support/server.js'
import { tus } from '../support/tus.js'
import { noFindings, type Findings } from './part.js'
import { stretchesIn } from './pieces.js'
import { finishByTus } from './senders.js'
import type { Witness } from './witness.js'

/** Long enough for a start and a sweep, in milliseconds. */
const PATIENCE = 30_000
/** The life of an idle upload at the end of an audit, in hours: 3.6 s. */
const SHORT_LIFE = '0.001'

/**
 * Holds a server to what the witness has heard: everything acknowledged is there, every name is true, every interrupted
 * upload can be finished by a stock tus client, and then nothing is left over. The server must be running; it is
 * started anew on the way, and is running (with uploads that expire after seconds) at the end.
 */
export async function audit(server: TestServer, witness: Witness): Promise<Findings> {
  const findings = noFindings()
  findings.acknowledged = witness.acknowledged
  await finishPending(server, witness, findings)
  findings.lost.push(...witness.broken)
  await server.kill()
  await server.start({ TMP_TTL_HOURS: SHORT_LIFE })
  await inspect(server, witness, findings)
  return findings
}

/** What is stored is there, what is there is right, and nothing is left over of uploads that have ended. */
export async function inspect(server: TestServer, witness: Witness, findings: Findings): Promise<void> {
  await checkStored(server, witness, findings)
  await checkShelf(server, findings)
  await checkLeftovers(server, findings)
}

/** Goes on with every upload that nobody has ended, and compares where it stands with what was acknowledged. */
export async function finishPending(server: TestServer, witness: Witness, findings: Findings): Promise<void> {
  for (const [url, { specimen, offset }] of witness.pending) {
    const own = new URL(new URL(url).pathname, server.url).href
    const head = await tus.head(own)
    const now = Number(head.headers.get('upload-offset') ?? NaN)
    if (!(now >= offset))
      findings.lost.push(`${url}: ${offset} acknowledged, HEAD says ${head.status} ${now}`)
    if (head.status === 200) witness.stands(url, stretchesIn(head))
    try {
      const uploadLengthDeferred = head.headers.has('upload-defer-length')
      await finishByTus(own, specimen, { uploadLengthDeferred })
      witness.success(specimen, url)
    } catch (error) {
      findings.stuck.push(`${url} at ${now} of ${specimen.size}: ${(error as Error).message}`)
    }
  }
}

async function checkStored(server: TestServer, witness: Witness, findings: Findings): Promise<void> {
  for (const { md5, size } of witness.stored.values()) {
    const reply = (await (await fetch(`${server.url}/check?md5=${md5}`)).json()) as {
      status: string
      url: string
      size?: number
    }
    if (reply.status !== 'exists') findings.lost.push(`${md5} was stored, /check says ${reply.status}`)
    else if (reply.size !== size) findings.wrong.push(`${md5} has ${reply.size} bytes, not ${size}`)
    else {
      const response = await fetch(new URL(new URL(reply.url).pathname, server.url))
      const got = await md5OfStream(response.body)
      if (got !== md5) findings.wrong.push(`${md5} is served as ${response.status} with md5 ${got}`)
    }
  }
}

async function md5OfStream(body: AsyncIterable<Uint8Array> | null): Promise<string> {
  const hash = createHash('md5')
  for await (const chunk of body ?? []) hash.update(chunk)
  return hash.digest('hex')
}

/** No file on the shelf ever differs from its name, whoever put it there. */
export async function checkShelf(server: TestServer, findings: Findings): Promise<void> {
  for (const name of await server.shelf()) {
    const hash = createHash('md5')
    await pipeline(createReadStream(join(server.files, name)), hash)
    const md5 = hash.digest('hex')
    if (!name.startsWith(`${md5}.`)) findings.wrong.push(`${name} holds md5 ${md5}`)
  }
}

/** Abandoned uploads expire, their parts go, the ledger knows the shelf's files and nothing else. */
async function checkLeftovers(server: TestServer, findings: Findings): Promise<void> {
  const until = Date.now() + PATIENCE
  let left = await leftovers(server)
  while (left.length > 0 && Date.now() < until) {
    await pause(250)
    left = await leftovers(server)
  }
  findings.left.push(...left)
}

async function leftovers(server: TestServer): Promise<string[]> {
  const parts = (await server.inbox()).map((name) => `part ${name}`)
  const db = new Database(join(server.files, '.ledger', 'ledger.db'))
  try {
    const open = db.prepare(`SELECT id FROM uploads WHERE state NOT IN ('finished', 'gone')`).all() as {
      id: string
    }[]
    const known = (db.prepare('SELECT file FROM contents').all() as { file: string }[]).map(
      ({ file }) => file,
    )
    const shelf = await server.shelf()
    return [
      ...parts,
      ...open.map(({ id }) => `ledger row of upload ${id}`),
      ...known
        .filter((file) => !shelf.includes(file))
        .map((file) => `ledger row of ${file}, which is not there`),
      ...shelf
        .filter((file) => !known.includes(file))
        .map((file) => `file ${file}, which the ledger does not know`),
    ]
  } finally {
    db.close()
  }
}

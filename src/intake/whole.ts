import { hash } from 'node:crypto'
import type { Readable } from 'node:stream'
import { parseMd5, parseSha256, type Md5, type Sha256 } from '../contract.js'
import { diskError, FerryError, syncError } from '../errors.js'
import type { Stored } from '../store/rows.js'
import type { Arrival } from './arrival.js'
import { expectDeclared, shelve } from './finish.js'
import type { Locks } from './locks.js'
import type { Stores } from './stores.js'

/** What comes with its creation and has at most so many bytes is taken whole. */
export const WHOLE = 256 * 1024

/**
 * A small file that comes with its creation: it is gathered in memory, and nobody has been told anything of it before it is
 * on the shelf. So it needs no row and no checkpoint on the way, and what breaks it off leaves nothing. The order is
 * that of every finish. Errors: `bad-request` (it ended early), `too-large`, those of `finish`.
 */
export async function finishWhole(
  arrival: Arrival,
  source: Readable,
  stores: Stores,
  contents: Locks,
): Promise<{ content: Stored; isNew: boolean }> {
  const bytes = await gather(source, arrival.claim.size!)
  const { claim } = arrival
  const md5 = parseMd5(hash('md5', bytes)) as Md5
  // So few bytes that it costs nothing, asked for or not.
  const sha256 = parseSha256(hash('sha256', bytes)) as Sha256
  expectDeclared(claim, { md5, sha256 })
  arrival.claim = { ...claim, md5 }
  return shelve(arrival, { md5, sha256 }, stores, contents, () => bring(arrival, bytes, stores))
}

async function gather(source: Readable, size: number): Promise<Buffer> {
  const chunks: Buffer[] = []
  let length = 0
  for await (const chunk of source) {
    length += (chunk as Buffer).length
    if (length > size)
      throw new FerryError('too-large', `the file is larger than the ${size} bytes announced`)
    chunks.push(chunk as Buffer)
  }
  if (length < size) throw new FerryError('bad-request', `the body ended after ${length} of ${size} bytes`)
  return Buffer.concat(chunks)
}

/** The part, all of it on disk. */
async function bring(arrival: Arrival, bytes: Buffer, { inbox }: Stores): Promise<void> {
  const part = await inbox.createPart(arrival.part).catch((error: unknown) => {
    throw diskError(error, 'creating the upload')
  })
  try {
    await part.write([bytes], 0).catch((error: unknown) => {
      throw diskError(error, 'writing the part')
    })
    arrival.front = bytes.length
    await part.sync().catch((error: unknown) => {
      throw syncError(error)
    })
  } finally {
    await part.close()
  }
}

import { createHash } from 'node:crypto'
import { type FileHandle, open, stat } from 'node:fs/promises'
import { Md5Hash } from '../../src/md5.js'
import type { PartialHash } from './cache-rows.js'
import { Changed, type HashEnd, type HashJob, READ_ONLY, lastingStamp, stillThe } from './hash-job.js'
import { stampOf } from './snapshot.js'

/** Who hears how it goes. */
interface Listener {
  at: (hashedTo: number) => void
  saved: (stamp: string, partial: PartialHash) => void
  isAborted: () => boolean
}

const PIECE_SIZE = 1024 * 1024
const REPORT_EVERY_MS = 100
const SAVE_EVERY_MS = 5000

/** Hashes one file piece by piece, from where an earlier run stopped. Throws `Changed` and system errors. */
export async function hashLarge(job: HashJob, listener: Listener): Promise<HashEnd> {
  const now = Date.now()
  const file = await open(job.path, READ_ONLY)
  try {
    const begin = stillThe(job.snapshot, await file.stat({ bigint: true }))
    const stamp = lastingStamp(begin, begin, now)
    const isUnchanged = stampOf(begin) === stampOf(job.snapshot)
    const hash = Md5Hash.goingOn(isUnchanged ? job.resume?.state : undefined)
    const from = hash.length
    if (from > 0) listener.at(from)
    const save = (hashedTo: number) => {
      if (job.saveEvery !== undefined && stamp !== undefined)
        listener.saved(stamp, { hashedTo, state: hash.save() })
    }
    const sha256 = job.withSha256 ? createHash('sha256') : undefined
    const isWhole = await hashInto(sha256 ? [hash, sha256] : [hash], new Pieces(file, job, from), {
      ...listener,
      save,
    })
    if (!isWhole) return { say: 'aborted' }
    const end = stillThe(begin, await stat(job.path, { bigint: true }))
    return {
      say: 'hashed',
      md5: hash.digest(),
      sha256: sha256?.digest('hex'),
      stamp: lastingStamp(begin, end, now),
    }
  } finally {
    await file.close()
  }
}

/** False if it was aborted; what was done by then is saved. */
async function hashInto(
  hashes: readonly { update(bytes: Uint8Array): unknown }[],
  pieces: Pieces,
  { at, isAborted, save }: Listener & { save: (hashedTo: number) => void },
): Promise<boolean> {
  const isReportDue = atIntervals(REPORT_EVERY_MS)
  const isSaveDue = atIntervals(SAVE_EVERY_MS)
  let savedTo = pieces.from
  for await (const { piece, end } of pieces) {
    for (const hash of hashes) hash.update(piece)
    if (isAborted()) {
      save(end)
      return false
    }
    if (isReportDue()) at(end)
    if (end - savedTo >= pieces.saveEvery || isSaveDue()) save((savedTo = end))
  }
  return true
}

/** A file's bytes, each piece read while the one before is hashed; a piece is good until the next is asked for. */
class Pieces {
  readonly saveEvery: number
  readonly #size: number
  #spare = Buffer.allocUnsafeSlow(PIECE_SIZE)
  #next = Buffer.allocUnsafeSlow(PIECE_SIZE)

  constructor(
    readonly file: FileHandle,
    job: HashJob,
    readonly from: number,
  ) {
    this.#size = Number(job.snapshot.size)
    this.saveEvery = job.saveEvery ?? Infinity
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<{ piece: Buffer; end: number }> {
    let end = this.from
    let reading = this.#read(end)
    try {
      while (end < this.#size) {
        const piece = await reading
        if (piece.length === 0) throw new Changed()
        end += piece.length
        reading = this.#read(end)
        yield { piece, end }
      }
    } finally {
      // Not to close the file under a read that nobody waits for any more.
      await reading.catch(() => undefined)
    }
  }

  async #read(position: number): Promise<Buffer> {
    const length = Math.min(PIECE_SIZE, this.#size - position)
    ;[this.#next, this.#spare] = [this.#spare, this.#next]
    const { buffer, bytesRead } = await this.file.read(this.#next, 0, length, position)
    return buffer.subarray(0, bytesRead)
  }
}

function atIntervals(ms: number): () => boolean {
  let last = performance.now()
  return () => {
    const now = performance.now()
    if (now - last < ms) return false
    last = now
    return true
  }
}

import { hash as oneShot } from 'node:crypto'
import { closeSync, fstatSync, openSync, readSync, statSync } from 'node:fs'
import { parentPort } from 'node:worker_threads'
import {
  Changed,
  type FromHashWorker,
  type HashEnd,
  type HashJob,
  READ_ONLY,
  SMALL_FILE,
  type ToHashWorker,
  lastingStamp,
  stillThe,
} from './hash-job.js'
import { hashLarge } from './hash-large.js'

const port = parentPort!
const aborted = new Set<number>()
const buffer = Buffer.allocUnsafeSlow(SMALL_FILE)

port.on('message', (message: ToHashWorker) => {
  if (message.say === 'abort') aborted.add(message.number)
  else void hashAll(message.jobs)
})

/** The answers to small files travel together. */
async function hashAll(jobs: HashJob[]): Promise<void> {
  const ends: FromHashWorker[] = []
  for (const job of jobs) {
    ends.push({ number: job.number, ...(await hash(job)) })
    aborted.delete(job.number)
  }
  port.postMessage(ends)
}

async function hash(job: HashJob): Promise<HashEnd> {
  const { number } = job
  try {
    if (job.snapshot.size <= SMALL_FILE) return hashSmall(job)
    return await hashLarge(job, {
      at: (hashedTo) => tell({ number, say: 'at', hashedTo }),
      saved: (stamp, partial) => tell({ number, say: 'saved', stamp, ...partial }),
      isAborted: () => aborted.has(number),
    })
  } catch (error) {
    return failure(error)
  }
}

function tell(message: FromHashWorker): void {
  port.postMessage([message])
}

function hashSmall({ path, snapshot, withSha256 }: HashJob): HashEnd {
  const now = Date.now()
  const file = openSync(path, READ_ONLY)
  try {
    const begin = stillThe(snapshot, fstatSync(file, { bigint: true }))
    const bytes = buffer.subarray(0, Number(begin.size))
    for (let done = 0; done < bytes.length;) {
      const length = readSync(file, bytes, done, bytes.length - done, done)
      if (length === 0) throw new Changed()
      done += length
    }
    const md5 = oneShot('md5', bytes, 'hex')
    const sha256 = withSha256 ? oneShot('sha256', bytes, 'hex') : undefined
    const end = stillThe(begin, statSync(path, { bigint: true }))
    return { say: 'hashed', md5, sha256, stamp: lastingStamp(begin, end, now) }
  } finally {
    closeSync(file)
  }
}

/** A file that is gone has changed, too: it was there when its caller opened it. */
function failure(error: unknown): HashEnd {
  const { code } = error as { code?: string }
  if (error instanceof Changed || code === 'ENOENT') return { say: 'failed', code: 'file-changed' }
  if (code === undefined) throw error
  return { say: 'failed', code: 'file-unreadable', reason: code }
}

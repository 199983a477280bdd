import { lstat, rm } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import type { Md5 } from '../../src/contract.js'
import { ClientError, systemCodeOf } from '../errors.js'
import { type Lock, takeLock } from '../lock.js'
import { LONGEST_NAME, shorten } from './name.js'
import { readRecord } from './record.js'

/** Where the bytes of an unfinished file lie: `NAME.part`, its record beside it, and a lock while somebody is at it. */
export interface Slot {
  part: string
  record: string
  /** Removes part and record; the record goes last, so that a part is never without an owner. */
  clear(): Promise<void>
  release(): Promise<void>
}

const MAX_SLOTS = 100

/**
 * The slot for the content `md5` that shall become the file `path`. A `NAME.part` that is not ours, or holds another
 * content, stays as it is: `NAME.1.part` is next. Throws `getting-elsewhere` while another process is at it.
 */
export async function takeSlot(path: string, md5: Md5, shownAs: string): Promise<Slot> {
  for (let number = 0; number < MAX_SLOTS; number++) {
    const part = partPath(path, number)
    const record = `${part}.json`
    if (!(await isUsable(part, record, md5))) continue
    const lock = await takeLock(`${part}.lock`)
    if (!lock) throw new ClientError('getting-elsewhere', { subject: shownAs })
    // Whoever had the lock until just now may have left something else.
    if (await isUsable(part, record, md5)) return slot(part, record, lock)
    await lock.release()
  }
  throw new ClientError('unwritable', { subject: partPath(path, 0), reason: 'EEXIST' })
}

function partPath(path: string, number: number): string {
  const stem = shorten(basename(path), LONGEST_NAME)
  return join(dirname(path), number === 0 ? `${stem}.part` : `${stem}.${number}.part`)
}

/** Free, or ours for this content. The record is always there before its part: a part without one is somebody else's. */
async function isUsable(part: string, record: string, md5: Md5): Promise<boolean> {
  const kept = await readRecord(record)
  const isThere = await lstat(part).catch((error: unknown) => {
    if (systemCodeOf(error) === 'ENOENT') return undefined
    throw error
  })
  if (isThere && !isThere.isFile()) return false
  if (kept === undefined) return isThere === undefined
  return kept === 'torn' || kept.md5 === md5
}

function slot(part: string, record: string, lock: Lock): Slot {
  return {
    part,
    record,
    clear: async () => {
      await rm(part, { force: true })
      await rm(`${record}.new`, { force: true })
      await rm(record, { force: true })
    },
    // A lock that cannot be removed is stale as soon as we are gone.
    release: () => lock.release().catch(() => undefined),
  }
}

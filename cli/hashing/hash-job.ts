import type { BigIntStats } from 'node:fs'
import { constants } from 'node:fs'
import type { PartialHash } from './cache-rows.js'
import { type Snapshot, isSameFile, isSettled, snapshotOf, stampOf } from './snapshot.js'

/** One file to hash, as it was when the caller opened it. */
export interface HashJob {
  number: number
  path: string
  snapshot: Snapshot
  withSha256: boolean
  /** Bytes after which, at the latest, the state is saved; undefined where to begin again costs little. */
  saveEvery: number | undefined
  /** Where an earlier hashing of the same unchanged file stopped. */
  resume: PartialHash | undefined
}

/** What the main thread says to a hashing thread. */
export type ToHashWorker = { say: 'hash'; jobs: HashJob[] } | { say: 'abort'; number: number }

/** What that answers, several at once. A stamp is only told where the MD5 or state may be remembered for it. */
export type FromHashWorker = { number: number } & (
  { say: 'at'; hashedTo: number } | ({ say: 'saved'; stamp: string } & PartialHash) | HashEnd
)

/** The last answer to a job. */
export type HashEnd =
  | { say: 'hashed'; md5: string; sha256: string | undefined; stamp: string | undefined }
  | { say: 'failed'; code: 'file-changed' | 'file-unreadable'; reason?: string }
  | { say: 'aborted' }

/** Files up to this size, in bytes, are read in one go; they travel to a hashing thread by the dozen. */
export const SMALL_FILE = 1024 * 1024

/** Should a pipe have taken the file's place: to open one would wait for its other end. */
export const READ_ONLY = constants.O_RDONLY | (constants.O_NONBLOCK ?? 0)

/** The file is not what it was when its caller opened it. */
export class Changed extends Error {}

/** `now` as a snapshot; throws `Changed` if it is of another file or content than `before`. */
export function stillThe(before: Snapshot, now: BigIntStats): Snapshot {
  if (!isSameFile(before, now)) throw new Changed()
  return snapshotOf(now)
}

/** The stamp, if the file had it all the time and no later change can leave it as it is. */
export function lastingStamp(begin: Snapshot, end: Snapshot, beganAtMs: number): string | undefined {
  return stampOf(begin) === stampOf(end) && isSettled(begin, beganAtMs) ? stampOf(begin) : undefined
}

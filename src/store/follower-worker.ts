import { createHash, type Hash } from 'node:crypto'
import { closeSync, openSync, readSync } from 'node:fs'
import { parentPort } from 'node:worker_threads'
import { Md5Hash } from '../md5.js'

/** What the main thread says to this one. Positions in bytes. */
export type ToFollower =
  | {
      say: 'follow'
      part: string
      path: string
      hashedTo: number
      hashState: Uint8Array | undefined
      withSha256: boolean
    }
  | { say: 'advance'; part: string; front: number }
  | { say: 'save'; part: string; number: number }
  | { say: 'digest'; part: string; number: number; size: number }
  | { say: 'forget'; part: string }

/** What it answers. */
export type FromFollower =
  | { say: 'at'; part: string; hashedTo: number }
  | { say: 'failed'; part: string; message: string }
  | { say: 'saved'; number: number; hashedTo: number; hashState: Uint8Array | undefined }
  | { say: 'digest'; number: number; md5: string; sha256: string | undefined }

interface Following {
  path: string
  md5: Md5Hash
  front: number
  /** Its descriptor, while it has something to do. */
  file: number | undefined
  withSha256: boolean
  /** Of the same bytes; missing where the state of their MD5 was loaded (node's can't be saved), or they are many. */
  sha256: Hash | undefined
  digests: { number: number; size: number }[]
  touched: boolean
}

const SLICE = 1024 * 1024
const REPORT = 4 * SLICE
/** Up to so many bytes the SHA-256 is kept unasked: that is cheaper than to read the file for it afterwards. */
const UNASKED = 8 * SLICE

const port = parentPort!
const followings = new Map<string, Following>()
const behind = new Set<string>()
let running = false

port.on('message', hear)

// One that has nothing to do for a second needs no descriptor.
setInterval(() => {
  for (const [part, following] of followings) {
    if (!following.touched && !behind.has(part)) rest(following)
    following.touched = false
  }
}, 1000).unref()

function hear(message: ToFollower): void {
  if (message.say === 'follow') return follow(message)
  const following = followings.get(message.part)
  if (!following) return
  following.touched = true
  switch (message.say) {
    case 'advance':
      following.front = Math.max(following.front, message.front)
      break
    case 'save': {
      const { md5 } = following
      tell({ say: 'saved', number: message.number, hashedTo: md5.length, hashState: md5.save() })
      return
    }
    case 'digest':
      following.front = Math.max(following.front, message.size)
      following.digests.push({ number: message.number, size: message.size })
      break
    case 'forget':
      rest(following)
      followings.delete(message.part)
      behind.delete(message.part)
      return
  }
  behind.add(message.part)
  if (!running) void run()
}

function follow({ part, path, hashedTo, hashState, withSha256 }: ToFollower & { say: 'follow' }): void {
  const former = followings.get(part)
  if (former) rest(former)
  const md5 = Md5Hash.goingOn(hashedTo === 0 ? undefined : hashState)
  const sha256 = md5.length === 0 ? createHash('sha256') : undefined
  const fresh = { file: undefined, digests: [], touched: true }
  followings.set(part, { path, md5, front: hashedTo, withSha256, sha256, ...fresh })
}

/** A slice of each that is behind, in turn, until none is; between rounds the messages are heard. */
async function run(): Promise<void> {
  running = true
  while (behind.size > 0) {
    for (const part of behind) {
      try {
        step(part, followings.get(part)!)
      } catch (error) {
        behind.delete(part)
        tell({ say: 'failed', part, message: (error as Error).message })
      }
    }
    await new Promise(setImmediate)
  }
  running = false
}

function step(part: string, following: Following): void {
  const { md5, front } = following
  const before = md5.length
  if (before < front) hashNext(following, Math.min(SLICE, front - before))
  const caughtUp = md5.length >= front
  if (caughtUp) answerDigests(following)
  if (caughtUp) behind.delete(part)
  if (caughtUp || Math.floor(before / REPORT) !== Math.floor(md5.length / REPORT))
    tell({ say: 'at', part, hashedTo: md5.length })
}

/** Straight from the cache of the system into the memory that it is hashed in. */
function hashNext(following: Following, most: number): void {
  const { md5, path, front } = following
  const file = (following.file ??= openSync(path, 'r'))
  const room = md5.room()
  const length = readSync(file, room, 0, most, md5.length)
  if (length === 0) throw new Error(`the part ends at ${md5.length}, before its front ${front}`)
  if (!following.withSha256 && md5.length + length > UNASKED) following.sha256 = undefined
  following.sha256?.update(room.subarray(0, length))
  md5.filled(length)
}

function answerDigests(following: Following): void {
  const { md5 } = following
  const due = following.digests.filter(({ size }) => size === md5.length)
  if (due.length === 0) return
  following.digests = following.digests.filter(({ size }) => size !== md5.length)
  const sha256 = following.sha256?.copy().digest('hex')
  for (const { number } of due) tell({ say: 'digest', number, md5: md5.digest(), sha256 })
}

function rest(following: Following): void {
  if (following.file !== undefined) closeSync(following.file)
  following.file = undefined
}

function tell(message: FromFollower): void {
  port.postMessage(message)
}

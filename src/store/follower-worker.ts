import { createMD5 } from 'hash-wasm'
import { createHash, type Hash } from 'node:crypto'
import { closeSync, openSync, readSync } from 'node:fs'
import { parentPort } from 'node:worker_threads'

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

type Hasher = Awaited<ReturnType<typeof createMD5>>

interface Following {
  path: string
  hashedTo: number
  front: number
  /** Only while it is awake; asleep it costs no descriptor and no WebAssembly memory. */
  awake: { file: number; hasher: Hasher } | undefined
  hashState: Uint8Array | undefined
  withSha256: boolean
  /** Of the same bytes; missing where the state of their MD5 was loaded (node's is fast, and can't be saved), or they are many. */
  sha256: Hash | undefined
  digests: { number: number; size: number }[]
  touched: boolean
}

const SLICE = 1024 * 1024
const REPORT = 4 * SLICE
/** Up to so many bytes the SHA-256 is kept unasked: that is cheaper than to read the file for it afterwards. */
const UNASKED = 8 * SLICE

const port = parentPort!
const slice = Buffer.allocUnsafeSlow(SLICE)
const followings = new Map<string, Following>()
const behind = new Set<string>()
const spare: Hasher[] = []
let running = false

port.on('message', (message: ToFollower) => {
  void hear(message)
})

// One that has nothing to do for a second goes to sleep.
setInterval(() => {
  for (const [part, following] of followings) {
    if (following.awake && !following.touched && !behind.has(part)) sleep(following)
    following.touched = false
  }
}, 1000).unref()

async function hear(message: ToFollower): Promise<void> {
  if (message.say === 'follow') {
    const { path, hashedTo, hashState, withSha256 } = message
    const former = followings.get(message.part)
    if (former?.awake) sleep(former)
    const at = { path, hashedTo, front: hashedTo, hashState }
    const fresh = { awake: undefined, withSha256, sha256: undefined, digests: [], touched: true }
    followings.set(message.part, { ...at, ...fresh })
    return
  }
  const following = followings.get(message.part)
  if (!following) return
  following.touched = true
  switch (message.say) {
    case 'advance':
      following.front = Math.max(following.front, message.front)
      break
    case 'save':
      if (following.awake) following.hashState = following.awake.hasher.save()
      port.postMessage({ say: 'saved', number: message.number, ...at(following) } satisfies FromFollower)
      return
    case 'digest':
      following.front = Math.max(following.front, message.size)
      following.digests.push({ number: message.number, size: message.size })
      break
    case 'forget':
      if (following.awake) sleep(following)
      followings.delete(message.part)
      behind.delete(message.part)
      return
  }
  behind.add(message.part)
  if (!running) await run()
}

function at({ hashedTo, hashState }: Following) {
  return { hashedTo, hashState }
}

/** A slice of each that is behind, in turn, until none is; between rounds the messages are heard. */
async function run(): Promise<void> {
  running = true
  while (behind.size > 0) {
    for (const part of behind) {
      const following = followings.get(part)!
      try {
        await step(part, following)
        if (followings.get(part) !== following && following.awake) sleep(following) // forgotten while it woke up
      } catch (error) {
        behind.delete(part)
        port.postMessage({ say: 'failed', part, message: (error as Error).message } satisfies FromFollower)
      }
    }
    await new Promise(setImmediate)
  }
  running = false
}

async function step(part: string, following: Following): Promise<void> {
  const { file, hasher } = (following.awake ??= await wake(following))
  const before = following.hashedTo
  if (before < following.front) {
    const length = readSync(file, slice, 0, Math.min(SLICE, following.front - before), before)
    if (length === 0) throw new Error(`the part ends at ${before}, before its front ${following.front}`)
    update(following, hasher, slice.subarray(0, length))
  }
  const caughtUp = following.hashedTo === following.front
  if (caughtUp) answerDigests(following, hasher)
  if (caughtUp) behind.delete(part)
  if (caughtUp || Math.floor(before / REPORT) !== Math.floor(following.hashedTo / REPORT)) {
    port.postMessage({ say: 'at', part, hashedTo: following.hashedTo } satisfies FromFollower)
  }
}

function update(following: Following, hasher: Hasher, bytes: Buffer): void {
  hasher.update(bytes)
  following.hashedTo += bytes.length
  if (!following.withSha256 && following.hashedTo > UNASKED) following.sha256 = undefined
  following.sha256?.update(bytes)
}

/** A digest ends a hasher, so its state is kept and loaded again: a finish that fails can be tried again. */
function answerDigests(following: Following, hasher: Hasher): void {
  const due = following.digests.filter(({ size }) => size === following.hashedTo)
  if (due.length === 0) return
  following.digests = following.digests.filter(({ size }) => size !== following.hashedTo)
  const state = hasher.save()
  const md5 = hasher.digest()
  hasher.load(state)
  const sha256 = following.sha256?.copy().digest('hex')
  for (const { number } of due)
    port.postMessage({ say: 'digest', number, md5, sha256 } satisfies FromFollower)
}

async function wake(following: Following): Promise<{ file: number; hasher: Hasher }> {
  const hasher = spare.pop() ?? (await createMD5())
  const file = openSync(following.path, 'r')
  if (!resume(hasher, following)) {
    hasher.init()
    following.hashedTo = 0
    following.sha256 = createHash('sha256')
  }
  return { file, hasher }
}

/** False where there is no state, or one that this build of the library can't read: the part is read from 0 then. */
function resume(hasher: Hasher, { hashState, hashedTo }: Following): boolean {
  if (!hashState || hashedTo === 0) return false
  try {
    hasher.load(hashState)
    return true
  } catch {
    return false
  }
}

function sleep(following: Following): void {
  const { file, hasher } = following.awake!
  following.hashState = hasher.save()
  following.awake = undefined
  closeSync(file)
  if (spare.length < 64) spare.push(hasher)
}

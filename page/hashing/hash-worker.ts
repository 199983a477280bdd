import { Md5Hash } from '../../src/md5.js'
import type { News, Order } from './protocol.js'

/** Bytes that are read at once: larger ones are no faster, smaller ones are slower. */
const PIECE = 4 * 1024 * 1024

/** How often the page hears how far it is, in milliseconds: what it draws takes time from hashing. */
const TELL_MS = 200

/** The job that is wanted; another one stops at its next piece. */
let wanted: number | undefined
/** Chromium's collector takes the stream of a file when only its reader is held, and then a read never ends. */
let held: ReadableStream | undefined

addEventListener('message', ({ data }: MessageEvent<Order>) => {
  if (data.kind === 'stop') {
    if (wanted === data.job) wanted = undefined
  } else {
    wanted = data.job
    void run(data)
  }
})

async function run({ job, file, at, state }: Order & { kind: 'begin' }): Promise<void> {
  const hasher = load(state, refuse(job, 'no-hash'))
  if (!hasher) return
  try {
    let hashed = at
    let toldAt = -Infinity
    for await (const bytes of read(file, at)) {
      hasher.update(bytes)
      hashed += bytes.length
      if (wanted !== job) return tell({ kind: 'stopped', job, at: hashed, state: hasher.save() })
      if (performance.now() - toldAt < TELL_MS) continue
      toldAt = performance.now()
      tell({ kind: 'progress', job, at: hashed })
    }
    // Not every browser refuses a file that was cut meanwhile.
    if (hashed !== file.size) throw new Error(`${hashed} of ${file.size} bytes could be read`)
    tell({ kind: 'done', job, md5: hasher.digest() })
  } catch (error) {
    refuse(job, 'unreadable')(error)
  }
}

/** Undefined where this browser, or a policy on the way, lets nobody compile it. */
function load(state: Uint8Array | undefined, onError: (error: unknown) => void): Md5Hash | undefined {
  try {
    return state ? Md5Hash.from(state) : new Md5Hash()
  } catch (error) {
    onError(error)
    return undefined
  }
}

/** The bytes from there on, in pieces; each is good until the next one is asked for. */
async function* read(file: Blob, from: number): AsyncGenerator<Uint8Array> {
  const reader = byobReader(file.slice(from))
  if (!reader) return yield* readSlices(file, from)
  let buffer = new ArrayBuffer(Math.min(PIECE, file.size - from + 1))
  try {
    for (;;) {
      const { done, value } = await reader.read(new Uint8Array(buffer))
      if (done) return
      yield value
      buffer = value.buffer
    }
  } finally {
    await reader.cancel().catch(() => undefined)
  }
}

/** Undefined where the browser's files can't be read into our own memory. */
function byobReader(file: Blob): ReadableStreamBYOBReader | undefined {
  try {
    held = file.stream()
    return held.getReader({ mode: 'byob' })
  } catch {
    return undefined
  }
}

async function* readSlices(file: Blob, from: number): AsyncGenerator<Uint8Array> {
  for (let at = from; at < file.size; at += PIECE)
    yield new Uint8Array(await file.slice(at, at + PIECE).arrayBuffer())
}

function refuse(job: number, why: 'unreadable' | 'no-hash') {
  return (error: unknown): undefined => tell({ kind: 'failed', job, why, detail: String(error) })
}

function tell(news: News): undefined {
  postMessage(news)
}

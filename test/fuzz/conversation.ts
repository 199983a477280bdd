import { connect, type Socket } from 'node:net'
import { Random } from '../faults/random.js'
import { pause } from '../support/server.js'
import type { Case } from './mutate.js'

/** Milliseconds without a byte after which an answer is over, and after which none is expected any more. */
const QUIET = 25
const SILENT = 250
/** A case that is sent in small pieces takes at most about so many of them. */
const MOST_PIECES = 40

/** Ids of uploads that answers have named; anybody may go on with them. */
export type Ids = string[]

/** What came back, and the uploads that it was about. */
interface Heard {
  received: Buffer
  uploads: string[]
}

/** Sends a case on a connection of its own, and returns all that came back. Never rejects. */
export async function converse(
  port: number,
  { seed, requests, pipelined, pieces, cut }: Case,
  ids: Ids,
): Promise<Heard> {
  const talk = new Talk(port)
  const random = new Random(seed)
  const uploads = new Set<string>()
  let left = cut ?? Infinity
  let id: string | undefined
  for (const request of pipelined ? [Buffer.concat(requests)] : requests) {
    id ??= ids.length > 0 ? random.pick(ids) : '0'.repeat(32)
    if (request.includes('{ID}')) uploads.add(id)
    const bytes = withId(request, id).subarray(0, left)
    await talk.send(bytes, pieces, random)
    left -= bytes.length
    if (left <= 0 || talk.isOver) break
    const answer = await talk.answer()
    const [, named] = /^location: .*\/([0-9a-f]{32})\r$/im.exec(answer) ?? []
    if (named) {
      id = named
      uploads.add(named)
      if (ids.push(named) > 50) ids.shift()
    }
  }
  if (cut === undefined) await talk.answer()
  talk.hangUp(random.percent(50))
  return { received: Buffer.concat(talk.received), uploads: [...uploads] }
}

function withId(bytes: Buffer, id: string): Buffer {
  return bytes.includes('{ID}')
    ? Buffer.from(bytes.toString('latin1').replaceAll('{ID}', id), 'latin1')
    : bytes
}

class Talk {
  readonly received: Buffer[] = []
  isOver = false
  readonly #socket: Socket
  #heardAt = 0
  #heard = 0

  constructor(port: number) {
    this.#socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true })
    this.#socket.on('data', (bytes) => {
      if (this.#heard < 1024 * 1024) this.received.push(bytes)
      this.#heard += bytes.length
      this.#heardAt = performance.now()
    })
    const over = () => (this.isOver = true)
    this.#socket.on('error', over).on('close', over).on('end', over)
  }

  async send(bytes: Buffer, pieces: number, random: Random): Promise<void> {
    const size = pieces === 0 ? bytes.length : Math.max(pieces, Math.ceil(bytes.length / MOST_PIECES))
    for (let at = 0; at < bytes.length && !this.isOver; at += size) {
      this.#socket.write(bytes.subarray(at, at + size))
      if (pieces > 0) await pause(random.between(0, 10))
    }
  }

  /** What comes until it is quiet. */
  async answer(): Promise<string> {
    const from = this.received.length
    const begun = performance.now()
    const isDone = () => {
      const now = performance.now()
      return this.received.length > from ? now - this.#heardAt > QUIET : now - begun > SILENT
    }
    while (!this.isOver && !isDone()) await pause(5)
    return Buffer.concat(this.received.slice(from)).toString('latin1')
  }

  hangUp(rudely: boolean): void {
    if (rudely) this.#socket.resetAndDestroy()
    else this.#socket.destroy()
  }
}

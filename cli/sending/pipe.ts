import { createHash } from 'node:crypto'
import { type Md5, parseMd5 } from '../../src/contract.js'
import type { Attempts } from '../attempts.js'
import { ClientError } from '../errors.js'
import type { Progress } from '../progress.js'
import type { Server } from '../server.js'
import type { Flow } from './flow.js'

const MIB = 1024 * 1024
/** What is kept until the server has it, so that a dropped line costs nothing. In bytes. */
const PIECE = 16 * MIB

export interface PipeParts {
  input: AsyncIterable<Uint8Array>
  /** What it is called on the server. */
  name: string
  server: Server
  client: string
  flow: Flow
  attempts: Attempts
  progress: Progress
  signal: AbortSignal
}

/** What came out of a pipe is on the server, or was already: ask /check for its MD5. */
export interface Piped {
  md5: Md5
  /** Bytes. */
  size: number
  wasKnown: boolean
}

/**
 * Sends what comes out of a pipe, whose length nobody knows (creation-defer-length). It can be read only once: one piece
 * is kept until the server has confirmed it, while the next one is being read. The MD5 is told before the last piece goes;
 * what the server has already is dropped there.
 */
export class PipeUpload {
  readonly #parts: PipeParts
  readonly #hash = createHash('md5')
  #url: string | undefined
  /** Bytes that the server has confirmed. */
  #offset = 0

  constructor(parts: PipeParts) {
    this.#parts = parts
  }

  /** Throws ClientErrors; `pipe-lost` where the server has lost bytes that nobody can read again. */
  async run(): Promise<Piped> {
    const { progress, input, flow } = this.#parts
    const pieces = piecesOf(input, Math.min(PIECE, flow.chunkSize ?? PIECE))
    progress.start({ kind: 'uploading', name: this.#parts.name, size: 0 }, 0)
    try {
      let next = pieces.next()
      for (;;) {
        const piece = await next
        if (piece.done) throw new Error('a pipe has a last piece')
        this.#hash.update(piece.value.bytes)
        if (piece.value.isLast) return await this.#last(piece.value.bytes)
        next = pieces.next() // is read while this one is under way
        next.catch(() => undefined)
        await this.#send(piece.value.bytes)
      }
    } catch (error) {
      throw await this.#given(error)
    } finally {
      progress.stop()
      await pieces.return(undefined).catch(() => undefined)
    }
  }

  async #last(bytes: Buffer): Promise<Piped> {
    const { server, client, attempts } = this.#parts
    const md5 = parseMd5(this.#hash.digest('hex')) as Md5
    const size = this.#offset + bytes.length
    const standing = this.#url
      ? await attempts.until(() => server.bind(this.#url!, md5, client))
      : await attempts.until(() => server.check(md5, client))
    if (standing.status === 'exists') {
      await this.#drop()
      return { md5, size, wasKnown: true }
    }
    await this.#send(bytes, size)
    return { md5, size, wasKnown: false }
  }

  /** Resolves when the server has all of these bytes. `size`: the whole size, with the last ones. */
  async #send(bytes: Buffer, size?: number): Promise<void> {
    const { server, attempts, name, client, flow, progress } = this.#parts
    const [begin, end] = [this.#offset, this.#offset + bytes.length]
    let isFresh = true
    await attempts.until(async () => {
      this.#url ??= await server.createEndless(name, client)
      if (!isFresh) this.#offset = await server.offset(this.#url)
      isFresh = false
      if (this.#offset < begin || this.#offset > end) throw new ClientError('pipe-lost')
      const rest = bytes.subarray(this.#offset - begin)
      await flow.pace(rest.length)
      this.#offset = await server.append(this.#url, this.#offset, rest, size)
      attempts.progressed()
      progress.update(this.#offset)
      if (this.#offset < end) throw new ClientError('server-trouble', { reason: `offset ${this.#offset}` })
    })
  }

  /** Nobody can go on with it: what was read is gone. */
  async #given(error: unknown): Promise<unknown> {
    await this.#drop()
    const { signal } = this.#parts
    if (signal.aborted) return signal.reason
    const isGone = error instanceof ClientError && error.code === 'upload-gone'
    return isGone ? new ClientError('pipe-lost', {}, { cause: error }) : error
  }

  async #drop(): Promise<void> {
    const { server } = this.#parts
    if (this.#url) await server.terminate(this.#url).catch(() => undefined)
  }
}

/** Pieces of `size` bytes, and one last one, which is shorter or empty. */
async function* piecesOf(
  input: AsyncIterable<Uint8Array>,
  size: number,
): AsyncGenerator<{ bytes: Buffer; isLast: boolean }, undefined> {
  let waiting: Uint8Array[] = []
  let length = 0
  for await (const chunk of input) {
    for (let rest = chunk; rest.length > 0;) {
      const part = rest.subarray(0, size - length)
      waiting.push(part)
      length += part.length
      rest = rest.subarray(part.length)
      if (length < size) continue
      yield { bytes: Buffer.concat(waiting), isLast: false }
      waiting = []
      length = 0
    }
  }
  yield { bytes: Buffer.concat(waiting), isLast: true }
  return undefined
}

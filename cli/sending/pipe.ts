import { createHash } from 'node:crypto'
import { type Md5, parseMd5, parseSha256, type Sha256 } from '../../src/contract.js'
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
  /** Declare the SHA-256, too. */
  strict: boolean
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
  sha256: Sha256 | undefined
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
  readonly #sha256 = createHash('sha256')
  #url: string | undefined
  /** Bytes that the server has confirmed. */
  #offset = 0

  constructor(parts: PipeParts) {
    this.#parts = parts
  }

  /** Throws ClientErrors; `pipe-lost` where the server has lost bytes that nobody can read again. */
  async run(): Promise<Piped> {
    const { progress, input, signal } = this.#parts
    const pieces = piecesOf(untilAborted(input, signal))
    progress.start({ kind: 'uploading', name: this.#parts.name, size: undefined }, 0)
    try {
      let next = pieces.next()
      for (;;) {
        const piece = await next
        if (piece.done) throw new Error('a pipe has a last piece')
        this.#hash.update(piece.value.bytes)
        if (this.#parts.strict) this.#sha256.update(piece.value.bytes)
        if (piece.value.isLast) return await this.#last(piece.value.bytes)
        next = pieces.next() // is read while this one is under way
        next.catch(() => undefined)
        await this.#send(piece.value.bytes)
      }
    } catch (error) {
      throw await this.#given(error)
    } finally {
      progress.stop()
      // Who does not get on with reading is not waited for.
      void pieces.return(undefined).catch(() => undefined)
    }
  }

  async #last(bytes: Buffer): Promise<Piped> {
    const { server, client, attempts, strict } = this.#parts
    const sha256 = strict ? parseSha256(this.#sha256.digest('hex')) : undefined
    const md5 = parseMd5(this.#hash.digest('hex')) as Md5
    const size = this.#offset + bytes.length
    const url = this.#url
    const standing = await attempts.until(() =>
      url ? orLost(server.bind(url, md5, client, sha256)) : server.look({ md5, sha256 }, client),
    )
    if (standing.status === 'exists') {
      await this.#drop()
      return { md5, sha256, size, wasKnown: true }
    }
    await this.#send(bytes, size)
    return { md5, sha256, size, wasKnown: false }
  }

  /** Resolves when the server has all of these bytes. `size`: the whole size, with the last ones. */
  async #send(bytes: Buffer, size?: number): Promise<void> {
    const { server, attempts, name, client } = this.#parts
    const [begin, end] = [this.#offset, this.#offset + bytes.length]
    let isFresh = true
    await attempts.until(async () => {
      this.#url ??= await server.createEndless(name, client)
      if (!isFresh) this.#offset = await this.#standing(begin)
      isFresh = false
      if (this.#offset < begin || this.#offset > end) throw new ClientError('pipe-lost')
      do await this.#append(bytes.subarray(this.#offset - begin), size)
      while (this.#offset < end)
    })
  }

  /** Sends the rest of a piece, or as much of it as may go in one request. */
  async #append(rest: Buffer, size: number | undefined): Promise<void> {
    const { server, attempts, flow, progress } = this.#parts
    const slice = rest.subarray(0, flow.burst)
    const whole = slice.length === rest.length ? size : undefined
    await flow.pace(slice.length)
    try {
      const offset = await server.append(this.#url!, this.#offset, slice, whole)
      if (offset <= this.#offset && slice.length > 0)
        throw new ClientError('server-trouble', { reason: `offset ${offset}` })
      this.#offset = offset
    } catch (error) {
      const isLimit = error instanceof ClientError && error.code === 'body-limit'
      if (isLimit && (await flow.shrink(slice.length))) return
      throw error
    }
    attempts.progressed()
    progress.update(this.#offset)
  }

  /** What the server has; what is lost of a first piece can be sent again. */
  async #standing(begin: number): Promise<number> {
    const { server, name, client } = this.#parts
    if (begin > 0) return orLost(server.offset(this.#url!))
    try {
      return await server.offset(this.#url!)
    } catch (error) {
      if (!(error instanceof ClientError && error.code === 'upload-gone')) throw error
      this.#url = await server.createEndless(name, client)
      return 0
    }
  }

  /** Nobody can go on with it: what was read is gone. */
  async #given(error: unknown): Promise<unknown> {
    await this.#drop()
    const { signal } = this.#parts
    if (signal.aborted) return signal.reason
    return error
  }

  async #drop(): Promise<void> {
    const { server } = this.#parts
    if (this.#url) await server.terminate(this.#url).catch(() => undefined)
  }
}

/** An upload that is gone has taken bytes along that nobody can read again. */
async function orLost<T>(asking: Promise<T>): Promise<T> {
  try {
    return await asking
  } catch (error) {
    const isGone = error instanceof ClientError && error.code === 'upload-gone'
    throw isGone ? new ClientError('pipe-lost', {}, { cause: error }) : error
  }
}

/** What is read; throws the signal's reason as soon as that is aborted, even if nothing more ever comes. */
export async function* untilAborted<T>(input: AsyncIterable<T>, signal: AbortSignal): AsyncGenerator<T> {
  const reading = input[Symbol.asyncIterator]()
  let leave: () => void = () => undefined
  const onAbort = (): void => leave()
  signal.addEventListener('abort', onAbort)
  try {
    for (;;) {
      signal.throwIfAborted()
      const next = await new Promise<IteratorResult<T>>((resolve, reject) => {
        leave = () => reject(signal.reason)
        reading.next().then(resolve, reject)
      })
      if (next.done) return
      yield next.value
    }
  } finally {
    signal.removeEventListener('abort', onAbort)
  }
}

/** Pieces of `size` bytes, and one last one, which is shorter or empty. */
async function* piecesOf(
  input: AsyncIterable<Uint8Array>,
  size = PIECE,
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

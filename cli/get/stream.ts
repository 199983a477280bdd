import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { ClientError } from '../errors.js'
import { asDiskError } from './disk.js'
import { type Facts, Replaced } from './facts.js'
import type { Job } from './job.js'
import type { GetResult } from './order.js'

/**
 * Writes the content to `tools.stdout`, in order, and goes on after a break with the next byte. What was written can't be
 * taken back: only a result means that it was right. Throws `wrong-content`, `unwritable`, what the line says.
 */
export async function stream(job: Job): Promise<GetResult> {
  const { attempts, remote, tools, texts, source } = job
  const facts = await attempts.until(() => remote.facts(tools.signal))
  tools.console.warn(texts.streaming(remote.shownAs, facts.size))
  const outlet = new Outlet(tools.stdout, tools.signal)
  try {
    const md5 = await pour(job, facts, outlet)
    if (md5 !== source.md5) throw new ClientError('wrong-content', { subject: remote.shownAs })
  } catch (error) {
    // There is another content now, and the beginning of the old one is out.
    if (error instanceof Replaced)
      throw new ClientError('wrong-content', { subject: remote.shownAs }, { cause: error })
    throw error
  } finally {
    outlet.leave()
  }
  tools.console.warn(texts.streamed(source.md5))
  return { state: 'streamed', md5: source.md5, size: facts.size }
}

/** The MD5 of all that has gone out. */
async function pour(job: Job, facts: Facts, outlet: Outlet): Promise<string> {
  const { attempts, remote, texts, source, tools } = job
  const { progress, signal } = tools
  const hash = createHash('md5')
  let done = 0
  await attempts.until(async () => {
    if (done === facts.size) return
    progress.start({ kind: 'getting', name: source.lastSegment, size: facts.size, label: texts.label }, done)
    try {
      for await (const bytes of remote.bytes({ start: done, end: facts.size }, facts, signal)) {
        await outlet.write(bytes)
        hash.update(bytes)
        progress.update((done += bytes.length))
        attempts.progressed()
      }
    } finally {
      progress.stop()
    }
  })
  await outlet.flush()
  return hash.digest('hex')
}

/** A stream whose failures become errors of whoever writes, whenever they come. */
class Outlet {
  readonly #stream: NodeJS.WritableStream
  readonly #signal: AbortSignal
  #failure: Error | undefined
  readonly #onError = (error: Error) => (this.#failure = error)

  constructor(stream: NodeJS.WritableStream, signal: AbortSignal) {
    this.#stream = stream
    this.#signal = signal
    stream.on('error', this.#onError)
  }

  /** Waits for as long as the taker needs. Throws `unwritable`. */
  async write(bytes: Buffer): Promise<void> {
    try {
      if (this.#failure) throw this.#failure
      if (!this.#stream.write(bytes)) await once(this.#stream, 'drain', { signal: this.#signal })
    } catch (error) {
      asDiskError('-')(error)
    }
  }

  /** Resolves when all of it has gone. */
  async flush(): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.#stream.write('', (error) => (error ? reject(error) : resolve()))
    }).catch(asDiskError('-'))
  }

  leave(): void {
    this.#stream.off('error', this.#onError)
  }
}

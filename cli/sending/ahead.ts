import type { Md5 } from '../../src/contract.js'
import type { Attempts } from '../attempts.js'
import { ClientError } from '../errors.js'
import type { LocalFile } from '../local-file.js'
import type { Progress } from '../progress.js'
import type { Way } from '../net/way.js'
import type { Server } from '../server.js'
import { transfer } from '../transfer.js'
import type { Flow } from './flow.js'
import type { Journal } from './journal.js'
import type { Valve } from './valve.js'

const STALL_MS = 30_000

export interface AheadParts {
  file: LocalFile
  server: Server
  /** Our id to this server. */
  client: string
  /** The file's MD5, which is being computed. */
  hashing: Promise<Md5>
  /** Where an earlier run has left the upload; undefined where another process is at the same file. */
  journal: Journal | undefined
  flow: Flow
  way: Way | undefined
  attempts: Attempts
  progress: Progress
  signal: AbortSignal
}

/**
 * Sends a file while its MD5 is still being computed. The last bytes wait until the server has been told the MD5: so it
 * never stores a file that has changed meanwhile, and a file that it knows, or that arrives from somebody else, is found
 * out before all of it has crossed the line.
 */
export class Ahead {
  readonly #parts: AheadParts
  /** Ends the transfer when the MD5 says that it is of no use. */
  readonly #stop = new AbortController()
  #url: string | undefined
  #isBound = false
  readonly #opened: Promise<void>
  #onOpened: () => void = () => undefined

  constructor(parts: AheadParts) {
    this.#parts = parts
    this.#opened = new Promise((resolve) => (this.#onOpened = resolve))
  }

  /**
   * Resolves when the rest is /check's to say: all is sent, or the upload holds the claim and something broke, or it was
   * dropped for a better one (`isSent` is false). Throws what ends the run: `file-changed`, `gave-up`, the signal's reason.
   */
  async run(): Promise<{ md5: Md5; isSent: boolean }> {
    const { hashing, file, flow, progress, signal, attempts, journal } = this.#parts
    const valve = flow.valve(file.size)
    const declaring = this.#declare(valve)
    declaring.catch(() => this.#stop.abort())
    try {
      const both = AbortSignal.any([signal, this.#stop.signal])
      await attempts.until(() => this.#send(valve, both))
    } catch (error) {
      if (signal.aborted) throw signal.reason
      if (!this.#stop.signal.aborted) await this.#leaveWith(error)
    } finally {
      progress.stop()
    }
    await declaring.catch(() => undefined)
    if (!this.#isBound) await this.#drop()
    await journal?.forget()
    await declaring
    return { md5: await hashing, isSent: this.#isBound }
  }

  /** Tells the server the MD5 as soon as it is known and there is an upload, and lets the last bytes go or stops all. */
  async #declare(valve: Valve): Promise<void> {
    const { hashing, server, client, attempts } = this.#parts
    const md5 = await hashing
    await this.#opened
    this.#isBound = await attempts.until(async () => {
      if (!this.#url) throw new ClientError('upload-gone')
      return (await server.bind(this.#url, md5, client)).bound
    })
    if (this.#isBound) valve.open()
    else this.#stop.abort()
  }

  async #send(valve: Valve, signal: AbortSignal): Promise<void> {
    const { file, server, flow, way, progress, attempts } = this.#parts
    const uploadUrl = (this.#url ??= await this.#open())
    this.#onOpened()
    let begun = { from: 0, at: performance.now() }
    let confirmed = -1
    const confirm = (offset: number): void => {
      if (confirmed >= 0 && offset > confirmed) attempts.progressed()
      confirmed = Math.max(confirmed, offset)
    }
    try {
      await transfer({
        file,
        uploadUrl,
        signal,
        valve,
        chunkSize: flow.chunkSize,
        way,
        stallMs: STALL_MS,
        askOffset: async () => {
          const offset = await server.offset(uploadUrl)
          confirm(offset)
          return offset
        },
        onBegin: (offset) => {
          begun = { from: offset, at: performance.now() }
          confirm(offset)
          progress.start({ kind: 'uploading', name: file.name, size: file.size }, offset)
        },
        onConfirmed: confirm,
        onProgress: (bytes) => progress.update(bytes),
      })
      await flow.measured(file.size - begun.from, performance.now() - begun.at)
    } catch (error) {
      progress.stop()
      await this.#answer(error)
    }
  }

  /** What an attempt that failed leaves to do. Throws what is not ours to mend. */
  async #answer(error: unknown): Promise<void> {
    if (!(error instanceof ClientError)) throw error
    const { file, flow, journal } = this.#parts
    if (error.code === 'mismatch' && (await file.hasChanged())) throw file.changed(error)
    // With the MD5 declared, the delivery finds the upload again, and knows what to do with it.
    if (this.#isBound) return
    if (error.code === 'upload-gone') {
      this.#url = undefined
      await journal?.forget()
    }
    if (error.code === 'body-limit' && (await flow.shrink()))
      throw new ClientError('server-trouble', error.facts, { cause: error })
    throw error
  }

  async #open(): Promise<string> {
    const { file, server, client, journal } = this.#parts
    const former = await journal?.read()
    if (former !== undefined) return former
    const claim = { md5: undefined, filename: file.name, size: file.size }
    const url = await server.create(claim, client)
    await journal?.write(url)
    return url
  }

  /** What time can't mend; the next run goes on from here, unless what is there is of no use. */
  async #leaveWith(error: unknown): Promise<never> {
    if (error instanceof ClientError && error.code === 'file-changed') {
      await this.#drop()
      await this.#parts.journal?.forget()
    }
    throw error
  }

  async #drop(): Promise<void> {
    if (this.#url) await this.#parts.server.terminate(this.#url).catch(() => undefined)
  }
}

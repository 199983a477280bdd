import type { Md5 } from '../../src/contract.js'
import type { Attempts } from '../attempts.js'
import { ClientError, type ErrorCode, isMendedByTime } from '../errors.js'
import type { LocalFile } from '../local-file.js'
import type { Progress } from '../progress.js'
import type { Way } from '../net/way.js'
import type { Server } from '../server.js'
import { carry } from './carry.js'
import type { Flow } from './flow.js'
import type { Journal } from './journal.js'
import type { Valve } from './valve.js'

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
  /** Resolves when the server has been told the MD5, or can't be. */
  #declared: Promise<void> = Promise.resolve()

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
    this.#declared = declaring.catch(() => this.#stop.abort())
    try {
      const both = AbortSignal.any([signal, this.#stop.signal])
      await attempts.until(() => this.#send(valve, both))
    } catch (error) {
      if (signal.aborted) throw signal.reason
      if (!this.#stop.signal.aborted) await this.#leaveWith(error)
    } finally {
      progress.stop()
    }
    await declaring.catch((error: unknown) => this.#leaveWith(error))
    if (!this.#isBound) await this.#drop()
    await journal?.forget()
    return { md5: await hashing, isSent: this.#isBound }
  }

  /** Tells the server the MD5 as soon as it is known and there is an upload, and lets the last bytes go or stops all. */
  async #declare(valve: Valve): Promise<void> {
    const { hashing, attempts } = this.#parts
    const md5 = await hashing
    await this.#opened
    this.#isBound = await attempts.until(() => this.#bind(md5))
    if (this.#isBound) valve.open()
    else this.#stop.abort()
  }

  /** An upload that is gone is not worth another, now that the MD5 is known. */
  async #bind(md5: Md5): Promise<boolean> {
    if (!this.#url) return false
    try {
      return (await this.#parts.server.bind(this.#url, md5, this.#parts.client)).bound
    } catch (error) {
      if (isGone(error)) return false
      throw error
    }
  }

  async #send(valve: Valve, signal: AbortSignal): Promise<void> {
    const { file, server, flow, way, progress, attempts } = this.#parts
    const uploadUrl = (this.#url ??= await this.#open())
    this.#onOpened()
    const { chunkSize } = flow
    let confirmed = -1
    const confirm = (offset: number): void => {
      if (confirmed >= 0 && offset > confirmed) attempts.progressed()
      confirmed = Math.max(confirmed, offset)
    }
    try {
      const askOffset = async (): Promise<number> => {
        const offset = await server.offset(uploadUrl)
        confirm(offset)
        return offset
      }
      const watched = { askOffset, onBegin: confirm, onConfirmed: confirm }
      await carry({ file, server, uploadUrl, signal, valve, chunkSize, way, flow, progress, ...watched })
    } catch (error) {
      const largest = Math.min(chunkSize ?? Infinity, file.size)
      if (is(error, 'body-limit') && (await flow.shrink(largest))) return this.#send(valve, signal)
      // To send the last bytes again and again, until the gate opens, would be of no use.
      if (valve.isHolding && isMendedByTime(error)) await this.#declared
      await this.#answer(error)
    }
  }

  /** What an attempt that failed leaves to do. Throws what is not ours to mend. */
  async #answer(error: unknown): Promise<void> {
    const { file, journal } = this.#parts
    if (is(error, 'file-changed')) throw error
    if (is(error, 'mismatch') && (await file.hasChanged())) throw file.changed(error)
    // With the MD5 declared, the delivery finds the upload again, and knows what to do with it.
    if (this.#isBound && error instanceof ClientError) return
    if (isGone(error)) {
      this.#url = undefined
      await journal?.forget()
    }
    throw error
  }

  async #open(): Promise<string> {
    const { file, server, client, journal } = this.#parts
    const former = await journal?.read()
    if (former !== undefined && (await this.#isThere(former))) return former
    const claim = { md5: undefined, filename: file.name, size: file.size }
    const url = await server.create(claim, client)
    await journal?.write(url)
    return url
  }

  async #isThere(url: string): Promise<boolean> {
    try {
      await this.#parts.server.offset(url)
      return true
    } catch (error) {
      if (isGone(error)) return false
      throw error
    }
  }

  /** What time can't mend; the next run goes on from here, unless what is there is of no use. */
  async #leaveWith(error: unknown): Promise<never> {
    if (is(error, 'file-changed')) {
      await this.#drop()
      await this.#parts.journal?.forget()
    }
    throw error
  }

  async #drop(): Promise<void> {
    if (this.#url) await this.#parts.server.terminate(this.#url).catch(() => undefined)
  }
}

function is(error: unknown, code: ErrorCode): boolean {
  return error instanceof ClientError && error.code === code
}

function isGone(error: unknown): boolean {
  return is(error, 'upload-gone')
}

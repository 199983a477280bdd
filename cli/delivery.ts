import type { Md5, Sha256 } from '../src/contract.js'
import type { Console } from './console.js'
import { ClientError, isMendedByTime } from './errors.js'
import type { Flow } from './sending/flow.js'
import type { LocalFile } from './local-file.js'
import { type Messages, describe } from './messages.js'
import type { Progress } from './progress.js'
import { type Patience, pause } from './retry.js'
import type { Way } from './net/way.js'
import { type Claim, type Server, uploadingElsewhere } from './server.js'
import { carry } from './sending/carry.js'
import type { Standing } from './wire.js'

export interface DeliveryParts {
  file: LocalFile
  md5: Md5
  /** What the server has to have, where the MD5 is not trusted to tell. */
  sha256?: Sha256 | undefined
  server: Server
  /** Our id to this server, see state.ts. */
  client: string
  patience: Patience
  /** How long we try, as the user wrote it. */
  retryFor: string
  /** How bytes go to the server. */
  flow: Flow
  /** How requests get out; undefined: directly. */
  way?: Way | undefined
  /** The bytes have been sent before, and what exists is ours. */
  isSent?: boolean
  /** Asks /check another way, for small files together. */
  check?: (md5: Md5) => Promise<Standing>
  /** Whether the file is so small that it travels with the creation of its upload. */
  isSmall?: boolean
  console: Console
  messages: Messages
  progress: Progress
  signal: AbortSignal
}

/** A question about a transfer that may be dead is not worth waiting for. */
const ASK_MS = 5000
/** Whole transfers that ended well without the server having the content afterwards. */
const MAX_LOST = 3
/** So often a server may have lost what it had. */
const MAX_SETBACKS = 3

/** Brings one file to one server, through everything that time can mend. */
export class Delivery {
  readonly #parts: DeliveryParts
  /** The upload we work at: where it stood when we came, and what the server has confirmed since. */
  #upload: { url: string; begunAt: number; confirmed: number } | undefined
  /** The most that the server has ever confirmed, and how often it had less than that later on. */
  #most = 0
  #setbacks = 0
  /** Whether the server had it before we sent anything. */
  wasKnown = false
  /** Where we send, and the most in one request. */
  #url: string | undefined
  #largest = Infinity
  #lost = 0
  #hasStartedOver = false

  constructor(parts: DeliveryParts) {
    this.#parts = parts
  }

  /** The URL under which the server has the content: only /check's word is believed. Throws what ends the run. */
  async run(): Promise<string> {
    const { server, file, md5, sha256, console, messages, isSent = false } = this.#parts
    console.say(messages.checking(server.checkUrl(md5, sha256)))
    let standing = await this.#standing()
    if (standing.status === 'exists') {
      if (!isSent) console.say(messages.alreadyThere)
      this.wasKnown = !isSent
      return standing.url
    }

    console.say(messages.uploading(file.shownAs, file.size))
    while (standing.status !== 'exists') {
      const isSent = await this.#attempt(() => this.#send())
      standing = await this.#standing()
      if (isSent && standing.status !== 'exists') await this.#waitOrThrow(this.#unproven())
    }
    return standing.url
  }

  async #standing(): Promise<Standing> {
    const { server, md5, sha256, client } = this.#parts
    const { check = () => server.look({ md5, sha256 }, client) } = this.#parts
    for (;;) {
      const standing = await this.#attempt(() => check(md5))
      if (standing?.status === 'uploading' && !standing.resumable) throw uploadingElsewhere(standing)
      if (standing) return standing
    }
  }

  /** Creates the upload, or gets ours (or a dead stranger's) back, and sends what the server lacks. */
  async #send(): Promise<true> {
    const { server, file, md5, sha256, client, progress, signal, flow, way, isSmall } = this.#parts
    const claim = { md5, sha256, filename: file.name, size: file.size }
    if (isSmall && file.size > 0 && (await this.#sendWhole(claim))) return true
    const uploadUrl = (this.#url = await server.create(claim, client))
    const { chunkSize } = flow
    this.#largest = Math.min(chunkSize ?? Infinity, file.size)
    // An upload of no bytes is complete from birth.
    if (file.size === 0) return true
    const valve = flow.valve(file.size)
    valve.open()
    const watched = {
      askOffset: () => this.#askOffset(uploadUrl),
      onBegin: (offset: number) => this.#begin(uploadUrl, offset),
      onConfirmed: (offset: number) => this.#confirm(uploadUrl, offset),
    }
    await carry({ file, server, uploadUrl, signal, valve, chunkSize, way, flow, progress, ...watched })
    return true
  }

  /** In one request; false where the rest has to follow, or a proxy lets no such request pass. */
  async #sendWhole(claim: Claim): Promise<boolean> {
    const { server, client, flow, file } = this.#parts
    await flow.pace(file.size)
    try {
      return await server.createWhole(claim, client, await file.whole())
    } catch (error) {
      if (error instanceof ClientError && error.code === 'body-limit') return false
      throw error
    }
  }

  #begin(url: string, offset: number): void {
    const { file, console, messages } = this.#parts
    this.#confirm(url, offset)
    if (offset > 0 && offset < file.size) console.say(messages.goesOnFrom(offset, file.size))
  }

  /**
   * Progress is when the server has more of an upload than before, not when we have sent more. A server may lose what it
   * had; one that does so over and over again comes forward only where it has more than ever.
   */
  #confirm(url: string, offset: number): void {
    // Each attempt gets our upload back under a new URL: what it has gained since the last one is progress, too.
    const before = this.#upload?.confirmed ?? offset
    const best = this.#most
    this.#most = Math.max(best, offset)
    if (this.#upload?.url !== url) {
      this.#upload = { url, begunAt: offset, confirmed: offset }
      if (offset < before) this.#setbacks += 1
    }
    if (offset <= before) return
    this.#upload.confirmed = offset
    if (this.#setbacks <= MAX_SETBACKS || offset > best) this.#parts.patience.progressed()
  }

  /** What the server has of a transfer that is just going on, as /check tells without disturbing it. */
  async #askOffset(url: string): Promise<number> {
    const { server, md5, client } = this.#parts
    const standing = await server.check(md5, client, ASK_MS)
    if (standing.status !== 'uploading' || standing.offset === undefined) throw new ClientError('upload-gone')
    this.#confirm(url, standing.offset)
    return standing.offset
  }

  /** The result of an action; undefined, after a pause, where it failed in a way that time may mend. */
  async #attempt<T>(action: () => Promise<T>): Promise<T | undefined> {
    try {
      return await action()
    } catch (error) {
      await this.#waitOrThrow(error)
      return undefined
    }
  }

  async #waitOrThrow(error: unknown): Promise<void> {
    const { patience, retryFor, console, messages, signal, flow } = this.#parts
    if (error instanceof ClientError && isMismatch(error)) return this.#startOverOrThrow(error)
    if (error instanceof ClientError && error.code === 'file-changed') await this.#drop()
    if (error instanceof ClientError && error.code === 'body-limit' && (await flow.shrink(this.#largest)))
      return
    if (!isMendedByTime(error) || patience.isNone) throw error
    const ms = patience.pauseAfterFailure(error.retryAfterMs)
    if (ms === undefined) throw new ClientError('gave-up', { subject: retryFor }, { cause: error })
    const seconds = (ms / 1000).toFixed(ms < 1000 ? 1 : 0)
    console.warn(messages.tryingAgain(describe(error, messages), seconds))
    await pause(ms, signal)
  }

  /** Nobody has the rest of it any more. */
  async #drop(): Promise<void> {
    if (this.#url) await this.#parts.server.terminate(this.#url).catch(() => undefined)
  }

  /** The server has thrown the bytes away. If they were not all ours and of this run, ours may still be right: once. */
  async #startOverOrThrow(mismatch: ClientError): Promise<void> {
    const { file, console, messages } = this.#parts
    if (await file.hasChanged()) throw file.changed(mismatch)
    if (this.#hasStartedOver || !this.#upload?.begunAt) throw mismatch
    this.#hasStartedOver = true
    console.warn(messages.startsOver)
  }

  /** A transfer that ended well and left nothing is the server's fault, and no reason to send for ever. */
  #unproven(): ClientError {
    this.#lost += 1
    return new ClientError(this.#lost < MAX_LOST ? 'unconfirmed' : 'not-stored')
  }
}

/** Errors that say that the server has received other bytes than were declared. */
function isMismatch({ code }: ClientError): boolean {
  return code === 'mismatch' || code === 'collision'
}

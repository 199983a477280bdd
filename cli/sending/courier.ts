import { createHash, randomUUID } from 'node:crypto'
import { type Md5, parseMd5, parseSha256, type Sha256 } from '../../src/contract.js'
import { Attempts } from '../attempts.js'
import { CheckBatch } from '../check-batch.js'
import type { Console } from '../console.js'
import { Delivery, type DeliveryParts } from '../delivery.js'
import { ClientError } from '../errors.js'
import type { Digests } from '../hashing/digests.js'
import type { HashCache } from '../hashing/hash-cache.js'
import type { Hasher } from '../hashing/hasher.js'
import { isSettled, stampOf } from '../hashing/snapshot.js'
import type { LocalFile } from '../local-file.js'
import type { Messages } from '../messages.js'
import type { Progress } from '../progress.js'
import { Patience, pause } from '../retry.js'
import type { Way } from '../net/way.js'
import { Server } from '../server.js'
import { type Identity, identify } from '../state.js'
import type { Standing } from '../wire.js'
import { Ahead } from './ahead.js'
import type { Flow } from './flow.js'
import { Journal, keyOf } from './journal.js'
import { PipeUpload, untilAborted } from './pipe.js'

const MIB = 1024 * 1024
/** Hashing takes no time where a file has no more bytes than that. */
const SMALL = 8 * MIB
/** A file of so many bytes travels with the creation of its upload, and is not worth a thread or a lock. */
const TINY = 256 * 1024
/** Bytes a second that a thread hashes, roughly; where the line is ten times slower, hashing first costs nothing. */
const HASHING = 400 * MIB
/** How long one question waits for the end of somebody else's upload, in seconds. */
const WAIT = 10
/** So long a question about it takes at least. */
const LEAST_WAIT_MS = 500

export interface CourierParts {
  /** The server's base URL, and how to get there. */
  server: string
  way: Way | undefined
  hasher: Hasher
  cache: HashCache
  flow: Flow
  /** Always hash a file before its first byte is sent. */
  hashFirst: boolean
  /** The MD5 proves nothing: the server has to have the SHA-256, too. */
  strict: boolean
  /** Where somebody else is uploading the same file, wait for that. */
  wait: boolean
  retryForMs: number
  retryFor: string
  stateFolder: string
  console: Console
  messages: Messages
  signal: AbortSignal
}

/** What became of a file. */
export interface Delivered {
  /** `known`: the server had it already. */
  status: 'stored' | 'known'
  md5: Md5
  sha256?: Sha256 | undefined
  url: string
}

/** What the server knows of a file. */
export interface Looked {
  status: 'exists' | 'notfound' | 'uploading'
  md5: Md5
  url?: string
}

/** Brings files to one server, each once: what the server knows is not sent, and what is sent is verified. */
export class Courier {
  readonly #parts: CourierParts
  /** Who sends what is sent in one request, and never gone on with. */
  readonly #nobody: Identity = {
    client: randomUUID().replaceAll('-', ''),
    isOurs: false,
    release: () => Promise.resolve(),
  }
  /** One for all: what it has learned of who answers counts for every file. */
  readonly #server: Server
  /** For small files. */
  readonly #batch: CheckBatch

  constructor(parts: CourierParts) {
    this.#parts = parts
    this.#server = new Server(parts.server, parts.signal, parts.way)
    this.#batch = new CheckBatch((md5s) => this.#server.checkMany(md5s, this.#nobody.client))
  }

  /** Throws ClientErrors: those of Delivery, and `file-changed` where the file is not what it was when it was opened. */
  async bring(file: LocalFile, progress: Progress): Promise<Delivered> {
    const ahead = await this.#sendAhead(file, progress)
    const { isSent, ...digests } = ahead ?? { ...(await this.#hash(file, progress)), isSent: false }
    const { url, wasKnown } = await this.#deliver(file, digests, isSent, progress)
    if (await file.hasChanged()) throw file.changed()
    return { status: wasKnown ? 'known' : 'stored', ...digests, url }
  }

  /** Brings what comes out of a pipe, under a name. Errors as PipeUpload's. */
  async pipe(
    input: AsyncIterable<Uint8Array>,
    name: string,
    progress: Progress,
  ): Promise<Delivered & { size: number }> {
    const { stateFolder, server: base } = this.#parts
    const [server, attempts] = [this.#server, this.#attempts()]
    const identity = await identify(stateFolder, base, randomUUID())
    const { client } = identity
    try {
      const upload = new PipeUpload({ ...this.#parts, input, name, server, client, attempts, progress })
      const { size, wasKnown, ...digests } = await upload.run()
      const standing = await attempts.until(() => server.look(digests, client))
      if (standing.status !== 'exists') throw new ClientError('not-stored')
      return { status: wasKnown ? 'known' : 'stored', ...digests, url: standing.url, size }
    } finally {
      await identity.release()
    }
  }

  /** What the server knows of a file; nothing is sent. */
  async look(file: LocalFile, progress: Progress): Promise<Looked> {
    return this.#known(await this.#hash(file, progress))
  }

  /** The same of what comes out of a pipe. */
  async lookAtPipe(input: AsyncIterable<Uint8Array>): Promise<Looked & { size: number }> {
    const hash = createHash('md5')
    const sha256 = createHash('sha256')
    let size = 0
    for await (const bytes of untilAborted(input, this.#parts.signal)) {
      hash.update(bytes)
      if (this.#parts.strict) sha256.update(bytes)
      size += bytes.length
    }
    const md5 = parseMd5(hash.digest('hex')) as Md5
    const known = this.#parts.strict ? { md5, sha256: parseSha256(sha256.digest('hex')) } : { md5 }
    return { ...(await this.#known(known)), size }
  }

  async #known(digests: Digests): Promise<Looked> {
    const { md5 } = digests
    const standing = await this.#attempts().until(() => this.#server.look(digests, ''))
    return { status: standing.status, md5, ...(standing.status === 'exists' && { url: standing.url }) }
  }

  /** Whether to hash a file of which nothing has been sent yet. */
  async #hashesFirst(file: LocalFile): Promise<boolean> {
    const { cache, flow } = this.#parts
    if (cache.find(file.path, file.snapshot)) return true
    if ((flow.bytesPerSecond ?? Infinity) < HASHING / 10) return true
    return this.#attempts().until(() => this.#server.mayHave(file.size))
  }

  async #hash(file: LocalFile, progress: Progress): Promise<Digests> {
    const { hasher, signal, strict: withSha256 } = this.#parts
    if (file.size <= TINY) return this.#hashHere(file)
    progress.start({ kind: 'hashing', name: file.name, size: file.size }, 0)
    try {
      const onProgress = (bytes: number): void => progress.update(bytes)
      return await hasher.digests(file, { onProgress, signal, withSha256 })
    } catch (error) {
      throw signal.aborted ? signal.reason : error
    } finally {
      progress.stop()
    }
  }

  /** Read once, for the hash and for the request. */
  async #hashHere(file: LocalFile): Promise<Digests> {
    const { cache, strict } = this.#parts
    const known = cache.digests(file.path, file.snapshot)
    if (known && !strict) return { md5: known.md5 }
    if (known?.sha256) return known
    const willBeSeen = isSettled(file.snapshot, Date.now())
    const bytes = await file.whole()
    const hash = (algorithm: string): string => createHash(algorithm).update(bytes).digest('hex')
    const md5 = parseMd5(hash('md5')) as Md5
    const sha256 = strict ? parseSha256(hash('sha256')) : undefined
    if (await file.hasChanged()) throw file.changed()
    if (willBeSeen) cache.keep(file.path, stampOf(file.snapshot), md5, sha256)
    return { md5, sha256 }
  }

  /** Undefined where the file is to be hashed first. */
  async #sendAhead(file: LocalFile, progress: Progress): Promise<{ md5: Md5; isSent: boolean } | undefined> {
    const { hashFirst, strict, server, stateFolder } = this.#parts
    // Declared at the end, a SHA-256 would have the server read everything once more.
    if (hashFirst || strict || file.size <= SMALL) return undefined
    const key = keyOf(file)
    const journal = new Journal(stateFolder, server, key)
    const isBegun = (await journal.read()) !== undefined
    if (!isBegun && (await this.#hashesFirst(file))) return undefined
    const identity = await identify(stateFolder, server, key)
    try {
      // Another process is at the same file: what it has sent will be known by its MD5.
      if (isBegun && !identity.isOurs) return undefined
      return await this.#runAhead(file, identity, identity.isOurs ? journal : undefined, progress)
    } finally {
      await identity.release()
    }
  }

  async #runAhead(
    file: LocalFile,
    { client }: Identity,
    journal: Journal | undefined,
    progress: Progress,
  ): Promise<{ md5: Md5; isSent: boolean }> {
    const { hasher, signal } = this.#parts
    const over = new AbortController()
    try {
      const hashing = hasher.hash(file, { signal: AbortSignal.any([signal, over.signal]) })
      const attempts = this.#attempts()
      const given = { file, server: this.#server, client, hashing, journal, attempts, progress }
      return await new Ahead({ ...this.#parts, ...given }).run()
    } finally {
      // Where it came to nothing, no thread goes on hashing the file.
      over.abort()
    }
  }

  async #deliver(
    file: LocalFile,
    digests: Digests,
    isSent: boolean,
    progress: Progress,
  ): Promise<{ url: string; wasKnown: boolean }> {
    const { server, stateFolder } = this.#parts
    const { md5, sha256 } = digests
    const identity = file.size <= TINY ? this.#nobody : await identify(stateFolder, server, md5)
    try {
      for (;;) {
        const delivery = this.#delivery({ file, md5, sha256, isSent, progress, client: identity.client })
        try {
          return { url: await delivery.run(), wasKnown: delivery.wasKnown }
        } catch (error) {
          await this.#waitForOther(error, file, md5, progress, identity)
        }
      }
    } finally {
      await identity.release()
    }
  }

  #delivery(
    given: Pick<DeliveryParts, 'file' | 'md5' | 'sha256' | 'isSent' | 'progress' | 'client'>,
  ): Delivery {
    const patience = new Patience(this.#parts.retryForMs)
    const isSmall = given.file.size <= TINY
    const check = (md5: Md5): Promise<Standing> => this.#batch.check(md5)
    // Many MD5s can be asked for in one request, but no SHA-256s with them.
    const small = isSmall ? { isSmall, ...(given.sha256 ? {} : { check }) } : {}
    return new Delivery({ ...this.#parts, ...given, ...small, server: this.#server, patience })
  }

  /** Follows somebody else's upload of the same content to its end, if that is wanted; throws any other error. */
  async #waitForOther(
    error: unknown,
    file: LocalFile,
    md5: Md5,
    progress: Progress,
    { client }: Identity,
  ): Promise<void> {
    const { wait, console, messages } = this.#parts
    if (!wait || !(error instanceof ClientError) || error.code !== 'uploading-elsewhere') throw error
    console.say(messages.waitingForOther(file.shownAs))
    const attempts = this.#attempts()
    progress.start({ kind: 'waiting', name: file.name, size: file.size }, error.facts.offset ?? 0)
    try {
      for (;;) {
        const standing = await this.#askAfter(attempts, md5, client)
        if (standing.status !== 'uploading' || standing.resumable) return
        attempts.progressed()
        progress.update(standing.offset ?? 0)
      }
    } finally {
      progress.stop()
    }
  }

  /** A server that answers at once, and the same again and again, must not keep us busy. */
  async #askAfter(attempts: Attempts, md5: Md5, client: string): Promise<Standing> {
    const asked = attempts.until(() => this.#server.checkAfter(md5, client, WAIT))
    const [standing] = await Promise.all([asked, pause(LEAST_WAIT_MS, this.#parts.signal)])
    return standing
  }

  #attempts(): Attempts {
    const { console, messages, retryForMs, retryFor, signal } = this.#parts
    return new Attempts({ retryForMs, retryFor, warn: (line) => console.warn(line), messages, signal })
  }
}

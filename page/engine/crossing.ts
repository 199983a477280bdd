import type { Md5 } from '../../src/contract.js'
import { Hashing, type Hasher } from '../hashing/hasher.js'
import type { Access } from './access.js'
import { Attempts } from './attempts.js'
import type { Card, Step } from './card.js'
import type { Checks } from './checks.js'
import { holdFile, passingHold, type Hold } from './hold.js'
import { abortable, type Locks } from './locks.js'
import type { Memory } from './memory.js'
import { isProblem, Problem } from './problem.js'
import type { Claim, Server, Standing } from './server.js'
import { Shipment } from './shipment.js'
import type { Slots } from './slots.js'
import type { Tabs } from './tabs.js'

/** What all crossings share. */
export interface Means {
  readonly server: Server
  readonly access: Access
  readonly hasher: Hasher
  readonly memory: Memory
  readonly tabs: Tabs
  readonly slots: Slots
  readonly locks: Locks
  readonly checks: Checks
  /** The most that goes in one request, in bytes; it becomes less where a proxy refuses that much. */
  readonly limit: { bytes: number }
  /** With how many connections a file has turned out to go best; undefined where nobody has tried. */
  readonly line: { connections?: number }
}

/** Larger files are sent while they are hashed, where the server can't have them yet. Bytes. */
const AHEAD = 64 * 1024 * 1024
/** What is not larger is sent along with its creation, in one request. Bytes. */
const WHOLE = 256 * 1024
/** How often somebody else's upload is looked at, in milliseconds. */
const LOOK_MS = 1000

/** How a content came to be on the server, and where it is. */
export interface Arrived {
  how: 'stored' | 'known' | 'arrived'
  md5: Md5
  url: string
}

/** One file's way to its link: hash, ask, and send what the server does not have. */
export class Crossing {
  readonly attempts: Attempts
  readonly #card: Card
  readonly #means: Means
  readonly #hashing: Hashing
  #hold: Hold | undefined
  #md5: Md5 | undefined
  /** Our upload on the server. */
  #upload: string | undefined
  /** Whether the server knows the MD5 of that upload. */
  #isBound = false
  #hasSent = false
  #hasWaited = false
  /** Whether it has been sent once more from the beginning. */
  #hasBegunAgain = false
  /** How often the upload was gone, or somebody else's. */
  #losses = 0
  /** Of the run that there is, or was last. */
  #signal: AbortSignal | undefined

  constructor(card: Card, means: Means) {
    this.#card = card
    this.#means = means
    this.#hashing = new Hashing(card.file)
    this.attempts = new Attempts(card.step)
  }

  /**
   * Brings the file to the server and returns what the server says of it then. Throws Problems that time does not mend,
   * or the signal's reason: called again, it goes on where it was.
   */
  async run(signal: AbortSignal): Promise<Arrived> {
    this.#signal = signal
    const { file, size } = this.#card
    const { memory, tabs } = this.#means
    if (size > WHOLE && !this.#hold) {
      this.#hold = await holdFile(file, memory, tabs)
      this.#upload = this.#hold.upload
    }
    if (!this.#isBound && (await this.#goesAhead(signal))) await this.#sendAhead(signal)
    const md5 = (this.#md5 ??= await this.#hash(signal))
    if (this.#means.locks.isTaken(md5)) this.#show({ at: 'waiting' })
    const arrived = await this.#means.locks.use(md5, signal, () => this.#deliver(md5, signal))
    await this.#hold?.release()
    return arrived
  }

  /** Another one of the same file, which remembers nothing of it but what the server has. */
  again(): Crossing {
    const next = new Crossing(this.#card, this.#means)
    next.#hold = this.#hold
    next.#upload = this.#upload
    return next
  }

  /** Removes what the server has of it. */
  async drop(signal: AbortSignal): Promise<void> {
    const upload = this.#upload
    try {
      if (upload !== undefined) await this.#means.server.drop(upload, signal)
    } catch (error) {
      // Chosen again, or on the next visit, it goes on or can be discarded.
      this.#hold?.leave()
      throw error
    }
    await this.#hold?.release()
  }

  /** What was begun in an earlier visit goes on at once; what the server can't know begins at once. */
  async #goesAhead(signal: AbortSignal): Promise<boolean> {
    const { size } = this.#card
    if (this.#upload !== undefined) return true
    if (size <= AHEAD || this.#md5 !== undefined) return false
    this.#show({ at: 'asking' })
    return !(await this.attempts.until(() => this.#means.server.mayHave(size, signal), signal))
  }

  #hash(signal: AbortSignal): Promise<Md5> {
    const { at } = this.#hashing
    this.#show(at > 0 ? { at: 'hashing', bytes: at } : { at: 'waiting' })
    return this.#compute(signal, (bytes) => this.#show({ at: 'hashing', bytes }))
  }

  #compute(signal: AbortSignal, onProgress: (bytes: number) => void): Promise<Md5> {
    return this.attempts.until(() => this.#means.hasher.hash(this.#hashing, signal, onProgress), signal)
  }

  /**
   * Sends while the file is being hashed. The last bytes wait until the server has been told the MD5: so what it knows,
   * or gets from somebody else, is found out before, and what has changed meanwhile is never stored.
   */
  async #sendAhead(signal: AbortSignal): Promise<void> {
    const over = new AbortController()
    const both = AbortSignal.any([signal, over.signal])
    const shipment = this.#shipment()
    const declaring = this.#declare(shipment, both)
    const mayEnd = bound(declaring)
    mayEnd.catch((error: unknown) => over.abort(error))
    try {
      await this.#ship(shipment, undefined, both, mayEnd)
    } catch (error) {
      signal.throwIfAborted()
      const isGone = this.#upload !== undefined && isProblem(error, 'gone', 'mismatch')
      // Gone, it is begun again by the MD5, which will be known soon.
      if (!over.signal.aborted && !isGone) {
        over.abort(error)
        throw error
      }
      if (!over.signal.aborted) shipment.rest()
    }
    if (await declaring) return
    await this.#forget(signal)
    // The server could not have it when this began: somebody else has been faster.
    this.#hasWaited = true
  }

  /** Whether the upload is the one to go on with, now that the MD5 is known. */
  async #declare(shipment: Shipment, signal: AbortSignal): Promise<boolean> {
    const { server } = this.#means
    const md5 = (this.#md5 ??= await this.#compute(signal, (bytes) => shipment.hashed(bytes)))
    const upload = await abortable(shipment.opened, signal)
    const { client } = this.#hold!
    try {
      const bind = (): Promise<boolean> => server.bind(upload, md5, client, signal)
      this.#isBound = await this.attempts.until(bind, signal)
    } catch (error) {
      // It has gone, or is said to be of another MD5: the file is no longer what it was in an earlier visit.
      const isOther = isProblem(error, 'refused') && error.code === 'bad-request'
      if (!isOther && !isProblem(error, 'gone')) throw error
    }
    return this.#isBound
  }

  /** Asks, and sends or waits, until the server has it. */
  async #deliver(md5: Md5, signal: AbortSignal): Promise<Arrived> {
    for (;;) {
      const standing = await this.#ask(md5, signal)
      if (standing.status === 'exists') {
        const how = this.#hasSent ? 'stored' : this.#hasWaited ? 'arrived' : 'known'
        return { how, md5, url: standing.url }
      }
      if (standing.status === 'uploading' && !standing.resumable) {
        this.#hasWaited = true
        this.#show({ at: 'elsewhere', bytes: standing.offset })
        await sleep(LOOK_MS, signal)
      } else await this.#send(md5, signal)
    }
  }

  #ask(md5: Md5, signal: AbortSignal): Promise<Standing> {
    const { server, checks } = this.#means
    if (!this.#hasWaited && !this.#hasSent) this.#show({ at: 'asking' })
    const hold = this.#hold
    return this.attempts.until(async () => {
      if (!hold) return checks.ask(md5)
      const [standing] = await server.check([md5], hold.client, signal)
      return standing!
    }, signal)
  }

  async #send(md5: Md5, signal: AbortSignal): Promise<void> {
    try {
      if (this.#hold) await this.#ship(this.#shipment(), md5, signal, Promise.resolve())
      else await this.#sendWhole(md5, signal)
      this.#hasSent = true
    } catch (error) {
      // /check will tell what is to be done then.
      if (isProblem(error, 'gone', 'elsewhere')) {
        await this.#lose()
        // Once can happen to any upload; a server that keeps none would be asked for new ones without end.
        if (this.#losses++ > 0) await this.attempts.rest(signal)
        return
      }
      if (!isProblem(error, 'mismatch')) throw error
      await this.#beginAgain(error)
    }
  }

  async #sendWhole(md5: Md5, signal: AbortSignal): Promise<void> {
    const { server, slots, tabs } = this.#means
    const { size, file } = this.#card
    const send = () => {
      this.#show({ at: 'sending', bytes: 0 })
      return server.createWhole(this.#claim(md5), tabs.id, file, signal)
    }
    const trying = () => this.attempts.until(send, signal)
    const { id, isComplete } = await slots.use(size, signal, trying, () => this.#show({ at: 'waiting' }))
    // The rest of it goes the usual way.
    if (!isComplete && size > 0) [this.#upload, this.#hold] = [id, passingHold(tabs.id)]
  }

  /** Sends what the server does not have of it yet, when it is its turn. */
  async #ship(
    shipment: Shipment,
    md5: Md5 | undefined,
    signal: AbortSignal,
    mayEnd: Promise<unknown>,
  ): Promise<void> {
    const { server, slots } = this.#means
    const hold = this.#hold!
    const open = async (): Promise<string> => {
      if (this.#upload === undefined) {
        const upload = await server.create(this.#claim(md5), hold.client, signal)
        await hold.keep(upload)
        this.#upload = upload
        this.#isBound = md5 !== undefined
      }
      return this.#upload
    }
    const send = () => shipment.send(open, signal, mayEnd)
    await slots.use(this.#card.size, signal, send, () => this.#show({ at: 'waiting' }))
    this.#hasSent = true
  }

  #shipment(): Shipment {
    return new Shipment(this.#card, this.attempts, (step) => this.#show(step), this.#means)
  }

  #claim(md5: Md5 | undefined): Claim {
    const { file, size } = this.#card
    return { md5, filename: file.name, size }
  }

  /** Some of the bytes were of somebody else, or of an earlier visit: once more, with all of our own. */
  async #beginAgain(problem: Problem): Promise<void> {
    await this.#lose()
    if (this.#hasBegunAgain || this.#card.there.value === 0) throw problem
    this.#hasBegunAgain = true
    this.#card.there.value = 0
  }

  /** The upload is of no use to us, and its bytes are removed. */
  async #forget(signal: AbortSignal): Promise<void> {
    const upload = this.#upload
    if (upload === undefined) return
    await this.attempts.until(() => this.#means.server.drop(upload, signal), signal)
    await this.#lose()
  }

  /** The upload is not there any more, or not ours. */
  async #lose(): Promise<void> {
    this.#upload = undefined
    this.#isBound = false
    this.#hasSent = false
    await this.#hold?.keep(undefined)
  }

  /** What comes late, from a run that has been interrupted, is not shown. */
  #show(step: Step): void {
    if (!this.#signal?.aborted) this.#card.step.value = step
  }
}

/** Throws where it is not. */
async function bound(declaring: Promise<boolean>): Promise<void> {
  if (!(await declaring)) throw new Problem('elsewhere')
}

function sleep(ms: number, signal: AbortSignal): Promise<void> {
  return abortable(new Promise((resolve) => void setTimeout(resolve, ms)), signal)
}

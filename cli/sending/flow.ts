import { createHash } from 'node:crypto'
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { MOST_CONNECTIONS } from '../../src/spread/pace.js'
import { Limiter } from './limiter.js'
import { Seats } from './seats.js'
import { Valve } from './valve.js'

const MIB = 1024 * 1024
/** What a proxy in between that refuses a whole body may let through: one size after the other, in bytes. */
const SMALLER = [96 * MIB, 16 * MIB, MIB]
/** A speed that comes from less than this, in bytes, says nothing. */
const TELLING = 16 * MIB

interface Wishes {
  /** Bytes a second, for all transfers together. */
  limitRate?: number | undefined
  /** Bytes in one request, at most. */
  chunkSize?: number | undefined
  /** How many connections for one file; `auto`, also by default: as many as help. */
  connections?: number | 'auto' | undefined
}

interface Memory {
  chunkSize?: number
  /** How many connections for one file have turned out to be right. */
  connections?: number
  bytesPerSecond?: number
}

/**
 * How bytes go to one server: how fast, and in pieces of which size. What was learned of the way is remembered for the
 * next run; a memory that can't be read or written is like none.
 */
export class Flow {
  readonly #path: string
  readonly #limiter: Limiter | undefined
  readonly #limitRate: number | undefined
  #memory: Memory
  #chunkSize: number | undefined
  readonly #wanted: number | undefined
  /** The files that are being sent. */
  readonly seats = new Seats()

  /** `folder` is the client's own, `server` the server's base URL. */
  static async open(folder: string, server: string, wishes: Wishes = {}): Promise<Flow> {
    const name = createHash('sha256').update(server).digest('hex').slice(0, 32)
    const path = join(folder, 'servers', `${name}.json`)
    return new Flow(path, await readMemory(path), wishes)
  }

  private constructor(path: string, memory: Memory, { limitRate, chunkSize, connections }: Wishes) {
    this.#path = path
    this.#memory = memory
    this.#limitRate = limitRate
    this.#limiter = limitRate === undefined ? undefined : new Limiter(limitRate)
    this.#chunkSize = chunkSize ?? memory.chunkSize
    this.#wanted = connections === 'auto' ? undefined : connections
  }

  /** Bytes a second that may go; undefined: as many as do. */
  get limitRate(): number | undefined {
    return this.#limitRate
  }

  /** How many connections to begin a file with, as was wished or has turned out before. */
  get connections(): number {
    return this.#wanted ?? this.#memory.connections ?? 1
  }

  /** Whether it stays at that. */
  get hasFixedConnections(): boolean {
    return this.#wanted !== undefined
  }

  /** So many connections were right for a file. */
  async found(connections: number): Promise<void> {
    if (this.#wanted !== undefined || this.#limitRate !== undefined) return
    if (connections !== this.#memory.connections) await this.#remember({ connections })
  }

  /** Bytes in one request, at most; undefined: as many as there are. */
  get chunkSize(): number | undefined {
    return this.#chunkSize
  }

  /** Bytes a second that are to be expected; undefined where nobody has measured them. */
  get bytesPerSecond(): number | undefined {
    const { bytesPerSecond } = this.#memory
    return this.#limitRate === undefined
      ? bytesPerSecond
      : Math.min(this.#limitRate, bytesPerSecond ?? Infinity)
  }

  /** What the bytes of a file of that size have to pass. */
  valve(size: number): Valve {
    return new Valve(size, this.#limiter)
  }

  /** Resolves when so many bytes may go. */
  async pace(bytes: number): Promise<void> {
    await this.#limiter?.take(bytes)
  }

  /** The most that a request should have whose bytes are sent in one go: they pass the limiter at once. */
  get burst(): number {
    return Math.min(this.#chunkSize ?? Infinity, Math.max(64 * 1024, this.#limitRate ?? Infinity))
  }

  /**
   * A proxy has refused a request for its size, which was `refused` bytes at most: false where there is no smaller one to
   * try. Of many files that hear it at once, one makes it smaller for all.
   */
  async shrink(refused: number): Promise<boolean> {
    if ((this.#chunkSize ?? Infinity) < refused) return true
    const smaller = SMALLER.find((size) => size < refused)
    if (smaller === undefined) return false
    this.#chunkSize = smaller
    await this.#remember({ chunkSize: smaller })
    return true
  }

  /** So many bytes have taken so many milliseconds. At a limited rate that tells nothing of the line. */
  async measured(bytes: number, milliseconds: number): Promise<void> {
    if (bytes < TELLING || milliseconds <= 0 || this.#limitRate !== undefined) return
    await this.#remember({ bytesPerSecond: Math.round((bytes / milliseconds) * 1000) })
  }

  async #remember(more: Memory): Promise<void> {
    this.#memory = { ...this.#memory, ...more }
    const draft = `${this.#path}.${process.pid}`
    try {
      await mkdir(join(this.#path, '..'), { recursive: true, mode: 0o700 })
      await writeFile(draft, JSON.stringify(this.#memory))
      await rename(draft, this.#path)
    } catch {
      await rm(draft, { force: true }).catch(() => undefined)
    }
  }
}

async function readMemory(path: string): Promise<Memory> {
  try {
    const { chunkSize, bytesPerSecond, connections } = JSON.parse(await readFile(path, 'utf8')) as Memory
    return {
      ...(isPositive(connections) && { connections: Math.min(MOST_CONNECTIONS, Math.ceil(connections)) }),
      ...(isPositive(chunkSize) && { chunkSize }),
      ...(isPositive(bytesPerSecond) && { bytesPerSecond }),
    }
  } catch {
    return {}
  }
}

function isPositive(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value) && value > 0
}

import { FerryError } from '../errors.js'
import type { Inbox } from '../store/inbox.js'
import type { Arrival } from './arrival.js'

/** For so many milliseconds the free space that was read is believed. */
const BELIEVED = 250
/** Where so many bytes remain beyond what is asked for, nobody can have used them up in that time. */
const AMPLE = 4 * 1024 ** 3
/** Seconds after which a sender that was turned away for want of room may come again. */
const RETRY_AFTER = 30

/**
 * Keeps the disk from filling up: what open uploads have declared is reserved, and below a floor nothing more comes in,
 * so that ledger, deletes and everybody's downloads go on working. Bytes throughout.
 */
export class Room {
  #free = Infinity
  #readAt = -Infinity
  #reading: Promise<void> | undefined

  /** `minFree`: the floor. `arrivals`: those whose room is kept for them, which are the live ones. */
  constructor(
    readonly inbox: Inbox,
    readonly minFree: number,
    readonly arrivals: () => Iterable<Arrival>,
  ) {}

  /** What new uploads may still bring, less than 0 where there is not even room for what was promised. */
  async left(): Promise<number> {
    this.#note(await this.inbox.free())
    return this.#free - this.minFree - this.reserved()
  }

  /** What live uploads have yet to send, as far as they have said. */
  reserved(): number {
    let sum = 0
    for (const { reserves, front } of this.arrivals()) sum += Math.max(0, reserves - front)
    return sum
  }

  /** Throws `disk-full` where so many bytes more can't be taken. */
  async expect(bytes: number): Promise<void> {
    if (bytes <= (await this.left())) return
    throw new FerryError('disk-full', 'the server has no room for this file at the moment', {
      retryAfter: RETRY_AFTER,
    })
  }

  /**
   * Reserves room for an arrival to grow to so many bytes. Between looking and reserving nobody else gets a turn. Throws
   * `disk-full`; what was reserved before stays so.
   */
  async reserve(arrival: Arrival, bytes: number): Promise<void> {
    const more = bytes - Math.max(arrival.front, arrival.reserves)
    if (!this.#isAmple(more)) await this.expect(more)
    arrival.reserves = bytes
  }

  /** Throws `disk-full` below the floor. Cheap: called with every write. `believed`: how old the figure may be, in milliseconds. */
  async expectFloor(believed = BELIEVED): Promise<void> {
    if (this.minFree === 0) return
    if (performance.now() - this.#readAt > believed) await (this.#reading ??= this.#read())
    if (this.#free >= this.minFree) return
    throw new FerryError(
      'disk-full',
      'the server’s disk is nearly full; the upload goes on when there is room',
      {
        retryAfter: RETRY_AFTER,
      },
    )
  }

  /** Whether that much more can be taken without another look: a system call for each small file is a tenth of it. */
  #isAmple(bytes: number): boolean {
    if (performance.now() - this.#readAt > BELIEVED) return false
    return this.#free - this.minFree - this.reserved() - bytes > AMPLE
  }

  #note(free: number): void {
    this.#free = free
    this.#readAt = performance.now()
  }

  async #read(): Promise<void> {
    try {
      this.#note(await this.inbox.free())
    } finally {
      this.#reading = undefined
    }
  }
}

import { MOST_CONNECTIONS } from '../../src/spread/pace.js'

/** Shares the connections to one server among the files that are being sent. */
export class Seats {
  #taken = 0

  /** How many connections each of those who send may have. */
  get share(): number {
    return Math.max(1, Math.floor(MOST_CONNECTIONS / Math.max(1, this.#taken)))
  }

  /** One more sends as long as this lasts. */
  async taken<T>(work: () => Promise<T>): Promise<T> {
    this.#taken += 1
    try {
      return await work()
    } finally {
      this.#taken -= 1
    }
  }
}

import { networkOf } from './network.js'

/** How many there are of something, in all and from each network. It remembers nobody who has none. */
export class Tally {
  readonly #counts = new Map<string, number>()
  total = 0

  of(address: string | undefined): number {
    return this.#counts.get(networkOf(address)) ?? 0
  }

  add(address: string | undefined): void {
    this.total += 1
    this.#counts.set(networkOf(address), this.of(address) + 1)
  }

  remove(address: string | undefined): void {
    const left = this.of(address) - 1
    this.total -= 1
    if (left > 0) this.#counts.set(networkOf(address), left)
    else this.#counts.delete(networkOf(address))
  }
}

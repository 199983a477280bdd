/** It follows about so many seconds behind. */
const SECONDS = 6

/** What a second usually brings. The first one counts until there is another: what is new needs a moment to get up to speed. */
export class Usual {
  mean = 0
  count = 0

  add(bytes: number): void {
    this.count += 1
    this.mean += (bytes - this.mean) / Math.min(SECONDS, Math.max(1, this.count - 1))
  }

  forget(): void {
    this.mean = 0
    this.count = 0
  }
}

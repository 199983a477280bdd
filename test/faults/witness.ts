import type { Specimen } from './random.js'

/** An upload that somebody may go on with. */
export interface Pending {
  specimen: Specimen
  /** The largest offset that a 204 or a HEAD has acknowledged. */
  offset: number
}

/** Remembers what the server has acknowledged, to hold it to that. */
export class Witness {
  /** What was reported as stored, by MD5. */
  readonly stored = new Map<string, Specimen>()
  /** Uploads that are not known to have ended, by URL. */
  readonly pending = new Map<string, Pending>()
  /** How many acknowledgements there were: offsets and successes. */
  acknowledged = 0
  /** What the server took back while it was watched (an offset lower than one before, say). */
  readonly broken: string[] = []

  /** The server has said that this upload stands there. */
  offset(url: string, specimen: Specimen, offset: number): void {
    this.acknowledged++
    const before = this.pending.get(url)?.offset ?? 0
    if (offset < before) this.broken.push(`${url} went back from ${before} to ${offset}`)
    if (offset === specimen.size) this.success(specimen, url)
    else this.pending.set(url, { specimen, offset: Math.max(before, offset) })
  }

  /** The server (or a client of ours) has said that this file is stored. */
  success(specimen: Specimen, url?: string): void {
    this.acknowledged++
    this.stored.set(specimen.md5, specimen)
    if (url) this.pending.delete(url)
  }

  /** The upload is known to be over, rightly (410, a mismatch, its sender ended it). */
  ended(url: string): void {
    this.pending.delete(url)
  }
}

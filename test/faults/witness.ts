import type { Specimen } from './random.js'

/** An upload that somebody may go on with. */
export interface Pending {
  specimen: Specimen
  /** The largest offset that a 204 or a HEAD has acknowledged. */
  offset: number
  /** Stretches that were acknowledged wherever they are in the file. */
  placed?: [start: number, end: number][]
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
    else this.pending.set(url, { ...this.pending.get(url), specimen, offset: Math.max(before, offset) })
  }

  /** The server has said that a placed piece has brought so much of this upload. */
  placed(url: string, stretch: [start: number, end: number]): void {
    this.acknowledged++
    const pending = this.pending.get(url)
    if (pending) (pending.placed ??= []).push(stretch)
  }

  /** The server has said that it has these stretches of this upload, in order. */
  stands(url: string, there: [start: number, end: number][]): void {
    const { placed = [], specimen } = this.pending.get(url) ?? {}
    for (const [start, end] of placed) {
      let at = start
      for (const [from, to] of there) if (from <= at) at = Math.max(at, to)
      // The last byte of all is not told before the content is on the shelf.
      if (at < Math.min(end, specimen!.size - 1))
        this.broken.push(`${url}: ${start}-${end} acknowledged, there is ${there.join(' ')}`)
    }
  }

  /** The server (or a client of ours) has said that this file is stored. */
  success(specimen: Specimen, url?: string): void {
    this.acknowledged++
    this.stored.set(specimen.md5, specimen)
    if (url) this.pending.delete(url)
  }

  /** The upload is known to be over, rightly (410, a mismatch, its sender ended it). `answer`: what said so. */
  ended(url: string, _answer?: string): void {
    this.pending.delete(url)
  }
}

/** Takes no 404 for an answer: for faults that may not cost an upload. */
export class StrictWitness extends Witness {
  /** True while an upload may rightly be ended by the fault (a failed sync, say). */
  mayEnd = false
  /** Uploads with acknowledged bytes whose client has begun anew instead of going on. */
  readonly deserted: string[] = []

  override offset(url: string, specimen: Specimen, offset: number): void {
    if (!this.pending.has(url)) this.#leaveFormer(url, specimen)
    super.offset(url, specimen, offset)
  }

  override ended(url: string, answer = 'gone'): void {
    const pending = this.pending.get(url)
    if (pending && !this.mayEnd) this.broken.push(`${url}: ${pending.offset} acknowledged, then ${answer}`)
    super.ended(url)
  }

  /** A client that begins anew has left its former upload, and may have got it under this new address. */
  #leaveFormer(url: string, specimen: Specimen): void {
    for (const [former, pending] of this.pending) {
      if (pending.specimen !== specimen || former === url) continue
      if (pending.offset > 0) this.deserted.push(`${former} at ${pending.offset}: its client began anew`)
      super.ended(former)
    }
  }
}

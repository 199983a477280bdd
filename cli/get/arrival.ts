import { basename } from 'node:path'
import { ClientError } from '../errors.js'
import { place } from './disk.js'
import { type Facts, Replaced, isSameContent } from './facts.js'
import { Follower } from './follower.js'
import { type Job, stallMsOf } from './job.js'
import { Part } from './part.js'
import { type PartRecord, readRecord } from './record.js'
import { fetchRound } from './round.js'
import type { Slot } from './slot.js'
import type { Target } from './target.js'
import { Tempo } from './tempo.js'

/** How one try to bring the whole content ended: right, wrong bytes (some of them old ones), another content there. */
type Outcome = 'right' | 'wrong' | 'damaged' | 'replaced'

/** Brings one file to its place, through everything that time and a second try can mend. */
export class Arrival {
  readonly #job: Job
  readonly #target: Target
  readonly #slot: Slot

  constructor(job: Job, target: Target, slot: Slot) {
    this.#job = job
    this.#target = target
    this.#slot = slot
  }

  /** The size (bytes) of the file, which is in its place now. Throws `wrong-content`, `name-taken`, what the line says. */
  async run(first: Facts): Promise<number> {
    const { tools, texts } = this.#job
    let facts = first
    let outcome = await this.#attempt(facts, await this.#kept(facts))
    if (outcome === 'damaged' || outcome === 'replaced') {
      tools.console.warn(outcome === 'damaged' ? texts.startsOver : texts.replaced)
      facts = await this.#askAgain()
      outcome = await this.#attempt(facts, undefined)
    }
    if (outcome !== 'right') return this.#refuse()
    await place(this.#slot.part, this.#target.path, this.#target.shownAs, this.#job.wishes.force)
    await this.#slot.clear()
    return facts.size
  }

  #askAgain(): Promise<Facts> {
    const { attempts, remote, tools } = this.#job
    return attempts.until(() => remote.facts(tools.signal))
  }

  async #refuse(): Promise<never> {
    await this.#slot.clear()
    throw new ClientError('wrong-content', { subject: this.#job.remote.shownAs })
  }

  /** What an earlier run has recorded, as far as it is of this very content. */
  async #kept(facts: Facts): Promise<PartRecord | undefined> {
    const { remote, tools, texts } = this.#job
    const record = await readRecord(this.#slot.record)
    if (record === undefined) return undefined
    if (record === 'torn') {
      tools.console.warn(texts.startsOver)
      return undefined
    }
    // Somebody else answers, a login page for instance. What is here is not thrown away for that.
    if (record.etag !== undefined && facts.etag === undefined)
      throw new ClientError('not-ferry', { subject: remote.shownAs, reason: 'no ETag' })
    if (isSameContent(record, facts)) return record
    tools.console.warn(texts.replaced)
    return undefined
  }

  async #attempt(facts: Facts, kept: PartRecord | undefined): Promise<Outcome> {
    const { source, tools, texts } = this.#job
    const part = await Part.open(this.#slot, source.md5, facts, kept)
    const follower = new Follower(part)
    const old = part.total
    if (old > 0) tools.console.say(texts.goesOnFrom(old, part.size))
    try {
      await this.#fetch(part, follower, facts)
      if ((await this.#digest(part, follower)) !== source.md5) return old > 0 ? 'damaged' : 'wrong'
      await part.sync()
      return 'right'
    } catch (error) {
      if (error instanceof Replaced) return 'replaced'
      throw error
    } finally {
      await follower.stop()
      await part.close()
    }
  }

  async #fetch(part: Part, follower: Follower, facts: Facts): Promise<void> {
    const { attempts, remote, wishes, tools } = this.#job
    const { progress, signal } = tools
    const round = {
      part,
      remote,
      facts,
      signal,
      tempo: new Tempo(facts.hasRanges ? wishes.connections : 1),
      silentMs: stallMsOf(wishes) / 2,
      mends: !attempts.areNone,
      onBytes: () => {
        attempts.progressed()
        follower.follow()
        progress.update(part.total)
      },
    }
    await attempts.until(async () => {
      if (part.total === part.size) return
      progress.start({ ...this.#step('getting', part), label: this.#job.texts.label }, part.total)
      await fetchRound(round).finally(() => progress.stop())
    })
  }

  async #digest(part: Part, follower: Follower): Promise<string> {
    const { progress, signal } = this.#job.tools
    progress.start(this.#step('hashing', part), follower.done)
    return follower.digest((bytes) => progress.update(bytes), signal).finally(() => progress.stop())
  }

  #step<K extends string>(kind: K, { size }: Part) {
    return { kind, name: basename(this.#target.path), size }
  }
}

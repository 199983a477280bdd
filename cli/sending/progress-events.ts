import type { Results } from '../commands/results.js'

const EVERY_MS = 1000

/** All files together. `bytes` of `total`, `done` of `files`, as far as they have been found. */
interface State {
  bytes: number
  total: number
  files: number
  done: number
}

/** For programs: how far everything is, about once a second while that changes. The summary is the last word. */
export class ProgressEvents {
  readonly #results: Results
  readonly #now: () => number
  #toldAt: number
  #told = ''

  constructor(results: Results, now: () => number = () => performance.now()) {
    this.#results = results
    this.#now = now
    this.#toldAt = now()
  }

  tell({ bytes, total, files, done }: State): void {
    const now = this.#now()
    if (now - this.#toldAt < EVERY_MS) return
    const event = { event: 'progress', bytes, total, files, done }
    const text = JSON.stringify(event)
    if (text === this.#told) return
    this.#told = text
    this.#toldAt = now
    this.#results.add('', event)
  }
}

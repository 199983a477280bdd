import type { Md5 } from '../src/contract.js'
import type { Standing } from './wire.js'

/** At most so many questions in one request: its answer stays small. */
const MOST = 64
/** So long, in milliseconds, questions wait for the answer to those before them: others may join them. */
const GATHERING = 5

interface Question {
  md5: Md5
  resolve: (standing: Standing) => void
  reject: (error: unknown) => void
}

/**
 * Questions of /check that come in one turn travel together, and so do those that come while an answer is awaited: many
 * small files need few requests.
 */
export class CheckBatch {
  readonly #ask: (md5s: Md5[]) => Promise<Standing[]>
  #waiting: Question[] = []
  #asking = 0

  /** `ask` has an answer for each MD5, in their order. */
  constructor(ask: (md5s: Md5[]) => Promise<Standing[]>) {
    this.#ask = ask
  }

  /** What the server knows of one; rejects with what `ask` rejects with. */
  check(md5: Md5): Promise<Standing> {
    return new Promise((resolve, reject) => {
      if (this.#waiting.length === 0)
        if (this.#asking === 0) setImmediate(() => this.#send())
        else setTimeout(() => this.#send(), GATHERING)
      this.#waiting.push({ md5, resolve, reject })
    })
  }

  #send(): void {
    const questions = this.#waiting
    this.#waiting = []
    for (let first = 0; first < questions.length; first += MOST)
      void this.#settle(questions.slice(first, first + MOST))
  }

  async #settle(questions: Question[]): Promise<void> {
    this.#asking += 1
    try {
      const standings = await this.#ask(questions.map(({ md5 }) => md5))
      questions.forEach(({ resolve }, index) => resolve(standings[index]!))
    } catch (error) {
      for (const { reject } of questions) reject(error)
    } finally {
      this.#asking -= 1
      if (this.#asking === 0) this.#send()
    }
  }
}

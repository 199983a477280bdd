import type { Md5 } from '../src/contract.js'
import type { Standing } from './wire.js'

/** At most so many questions in one request: its answer stays small. */
const MOST = 64

interface Question {
  md5: Md5
  resolve: (standing: Standing) => void
  reject: (error: unknown) => void
}

/** Questions of /check that come in one turn travel together: many small files need few requests. */
export class CheckBatch {
  readonly #ask: (md5s: Md5[]) => Promise<Standing[]>
  #waiting: Question[] = []

  /** `ask` has an answer for each MD5, in their order. */
  constructor(ask: (md5s: Md5[]) => Promise<Standing[]>) {
    this.#ask = ask
  }

  /** What the server knows of one; rejects with what `ask` rejects with. */
  check(md5: Md5): Promise<Standing> {
    return new Promise((resolve, reject) => {
      if (this.#waiting.length === 0) setImmediate(() => this.#send())
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
    try {
      const standings = await this.#ask(questions.map(({ md5 }) => md5))
      questions.forEach(({ resolve }, index) => resolve(standings[index]!))
    } catch (error) {
      for (const { reject } of questions) reject(error)
    }
  }
}

import type { Md5 } from '../../src/contract.js'
import type { Server, Standing } from './server.js'

/** Questions of so many milliseconds go together. */
const TOGETHER_MS = 15
/** So many at a time: the server takes more, but nginx no request line above 8 KiB. */
const MOST = 200

interface Question {
  readonly md5: Md5
  readonly resolve: (standing: Standing) => void
  readonly reject: (error: unknown) => void
}

/** Asks what the server knows of many files' MD5s in few requests. */
export class Checks {
  readonly #server: Server
  readonly #client: string
  #questions: Question[] = []

  constructor(server: Server, client: string) {
    this.#server = server
    this.#client = client
  }

  /** What the server knows of it. Throws Problems. */
  ask(md5: Md5): Promise<Standing> {
    return new Promise((resolve, reject) => {
      if (this.#questions.length === 0) setTimeout(() => void this.#askAll(), TOGETHER_MS)
      this.#questions.push({ md5, resolve, reject })
      if (this.#questions.length === MOST) void this.#askAll()
    })
  }

  async #askAll(): Promise<void> {
    const questions = this.#questions
    this.#questions = []
    if (questions.length === 0) return
    const md5s = questions.map(({ md5 }) => md5)
    try {
      const standings = await this.#server.check(md5s, this.#client, new AbortController().signal)
      for (const [index, { resolve }] of questions.entries()) resolve(standings[index]!)
    } catch (error) {
      for (const { reject } of questions) reject(error)
    }
  }
}

import { randomId } from './memory.js'

/** Long enough for a tab that is there to answer, even a busy one. */
const ANSWER_MS = 400

type Word = { kind: 'who'; key: string; question: string } | { kind: 'me'; question: string }

/** The tabs of this page in one browser, which ask each other who is at a file. */
export class Tabs {
  /** This tab's own id. */
  readonly id = randomId()
  readonly #ours = new Set<string>()
  readonly #channel: BroadcastChannel | undefined
  readonly #answers = new Map<string, () => void>()

  constructor() {
    this.#channel = openChannel()
    this.#channel?.addEventListener('message', ({ data }: MessageEvent<Word>) => this.#hear(data))
  }

  /** Whether this tab is at that file already. */
  holds(key: string): boolean {
    return this.#ours.has(key)
  }

  hold(key: string): void {
    this.#ours.add(key)
  }

  release(key: string): void {
    this.#ours.delete(key)
  }

  /** Whether another tab is at that file. One that has crashed does not answer. */
  isElsewhere(key: string): Promise<boolean> {
    const channel = this.#channel
    if (!channel) return Promise.resolve(false)
    const question = randomId()
    return new Promise<boolean>((resolve) => {
      const timer = setTimeout(() => this.#settle(question, () => resolve(false)), ANSWER_MS)
      this.#answers.set(question, () => {
        clearTimeout(timer)
        this.#settle(question, () => resolve(true))
      })
      this.#say({ kind: 'who', key, question })
    })
  }

  #settle(question: string, resolve: () => void): void {
    this.#answers.delete(question)
    resolve()
  }

  #hear(word: Word): void {
    if (word.kind === 'me') this.#answers.get(word.question)?.()
    else if (this.#ours.has(word.key)) this.#say({ kind: 'me', question: word.question })
  }

  #say(word: Word): void {
    this.#channel?.postMessage(word)
  }
}

/** Undefined where the browser has none to give: some throw when the visitor lets no page store anything. */
function openChannel(): BroadcastChannel | undefined {
  try {
    return new BroadcastChannel('ferry')
  } catch {
    return undefined
  }
}

import { signal } from '@preact/signals'

/** Where a token is kept: for this tab, and beyond it where the visitor wants that. */
export interface TokenPlace {
  read(): string | undefined
  write(token: string, remember: boolean): void
}

/** The token that the server asks for, if it asks for one. */
export class Access {
  readonly state = signal<'fine' | 'wanted' | 'wrong'>('fine')
  readonly #place: TokenPlace
  #token: string | undefined
  #given = new Set<() => void>()

  constructor(place: TokenPlace) {
    this.#place = place
    this.#token = place.read()
  }

  get token(): string | undefined {
    return this.#token
  }

  /** RFC 6750 2.1 */
  headers(): Record<string, string> {
    return this.#token === undefined ? {} : { Authorization: `Bearer ${this.#token}` }
  }

  /** Resolves when there is another token than the one that was refused. Throws the signal's reason. */
  async refused(used: string | undefined, signal: AbortSignal): Promise<void> {
    if (used !== this.#token) return
    this.state.value = used === undefined ? 'wanted' : 'wrong'
    await new Promise<void>((resolve, reject) => {
      const leave = (): void => reject(signal.reason as Error)
      this.#given.add(resolve)
      signal.addEventListener('abort', leave, { once: true })
      if (signal.aborted) leave()
    })
  }

  give(token: string, remember: boolean): void {
    // It goes into a header, which takes nothing else.
    this.#token = token.trim().replace(/[^\x21-\x7e]/g, '')
    this.#place.write(this.#token, remember)
    this.state.value = 'fine'
    const given = this.#given
    this.#given = new Set()
    for (const go of given) go()
  }
}

const KEY = 'ferry-token'

/** The browser's storage; where that is closed, a token is known as long as the page is open. */
export function browserTokenPlace(): TokenPlace {
  const storages = [() => sessionStorage, () => localStorage]
  return {
    read() {
      for (const storage of storages) {
        const token = attempt(() => storage().getItem(KEY))
        if (token) return token
      }
      return undefined
    },
    write(token, remember) {
      attempt(() => sessionStorage.setItem(KEY, token))
      attempt(() => (remember ? localStorage.setItem(KEY, token) : localStorage.removeItem(KEY)))
    },
  }
}

function attempt<T>(action: () => T): T | undefined {
  try {
    return action()
  } catch {
    return undefined
  }
}

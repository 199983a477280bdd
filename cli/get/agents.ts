import http, { type Agent } from 'node:http'
import https from 'node:https'

/** Connections of our own that serve again while a run lasts. */
export class Agents {
  readonly #plain = new http.Agent({ keepAlive: true })
  readonly #secure = new https.Agent({ keepAlive: true })

  readonly for = (url: URL): Agent => (url.protocol === 'https:' ? this.#secure : this.#plain)

  close(): void {
    this.#plain.destroy()
    this.#secure.destroy()
  }
}

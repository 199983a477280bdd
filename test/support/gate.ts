import { once } from 'node:events'
import http, {
  type IncomingHttpHeaders,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from 'node:http'
import https from 'node:https'
import type { AddressInfo } from 'node:net'
import { buffer } from 'node:stream/consumers'

/** A reverse proxy before a server, with what such proxies are known to do. */
export class Gate {
  /** Larger bodies are answered with 413, as nginx does: by their declared length, before they are read. */
  maxBody = Infinity
  /** Requests are passed on when they are complete. */
  holdsBack = false
  /** Answers itself where it returns true. */
  intercept: (request: IncomingMessage, response: ServerResponse) => boolean = () => false
  /** Response headers that are lost on the way. */
  drops: readonly string[] = []
  /** The heads of all requests. */
  readonly seen: { method: string; url: string; headers: IncomingHttpHeaders }[] = []
  readonly #server: Server

  /** `tls`: PEM texts; then it speaks https. */
  static async to(port: number, tls?: { key: string; cert: string }): Promise<Gate> {
    const gate = new Gate(port, tls)
    gate.#server.listen(0, '127.0.0.1')
    await once(gate.#server, 'listening')
    return gate
  }

  private constructor(target: number, tls?: { key: string; cert: string }) {
    const handle = (req: IncomingMessage, res: ServerResponse) => void this.#pass(req, res, target)
    this.#server = tls ? https.createServer(tls, handle) : http.createServer(handle)
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  get address(): string {
    return `127.0.0.1:${this.port}`
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise((resolve) => this.#server.close(resolve))
  }

  async #pass(req: IncomingMessage, res: ServerResponse, port: number): Promise<void> {
    const { method = '', url = '', headers } = req
    this.seen.push({ method, url, headers })
    req.on('error', () => undefined)
    if (this.intercept(req, res)) return
    if (Number(headers['content-length'] ?? 0) > this.maxBody)
      return void res.writeHead(413, { connection: 'close' }).end('<html>413</html>')
    const body = this.holdsBack ? await buffer(req).catch(() => undefined) : req
    if (!body) return
    const outgoing = http.request({ host: '127.0.0.1', port, method, path: url, headers })
    outgoing.on('response', (answer) => {
      const kept = Object.entries(answer.headers).filter(([name]) => !this.drops.includes(name))
      res.writeHead(answer.statusCode ?? 502, Object.fromEntries(kept))
      answer.pipe(res)
    })
    outgoing.on('error', () => res.destroy())
    res.on('close', () => outgoing.destroy())
    if (body === req) {
      // The head goes on before the body comes.
      outgoing.flushHeaders()
      req.pipe(outgoing)
    } else outgoing.end(body)
  }
}

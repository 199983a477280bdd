import { once } from 'node:events'
import http, { type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

/** A proxy of the usual kind before a server: it may refuse large bodies, or hold requests back. */
export class Gateway {
  /** Larger request bodies are refused, in bytes, before they are read. */
  bodyLimit = Infinity
  /** Headers of the server's answers that it does not let through. */
  hides: string[] = []
  /** How many it has refused. */
  refusals = 0
  /** The status that it answers a request with by itself, if any. */
  refuses: (request: IncomingMessage) => number | undefined = () => undefined
  /** What a request waits for, if for anything. */
  hold: (request: IncomingMessage) => Promise<unknown> | undefined = () => undefined
  readonly #server: Server

  static async to(port: number): Promise<Gateway> {
    const gateway = new Gateway(port)
    gateway.#server.listen(0, '127.0.0.1')
    await once(gateway.#server, 'listening')
    return gateway
  }

  private constructor(port: number) {
    this.#server = http.createServer((request, response) => void this.#pass(port, request, response))
    this.#server.requestTimeout = 0
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise((resolve) => this.#server.close(resolve))
  }

  async #pass(port: number, request: IncomingMessage, response: ServerResponse): Promise<void> {
    response.on('error', () => undefined)
    request.on('error', () => undefined)
    if (Number(request.headers['content-length'] ?? 0) > this.bodyLimit) {
      this.refusals++
      const page = '<html><head><title>413 Request Entity Too Large</title></head></html>'
      response.writeHead(413, {
        'content-type': 'text/html',
        'content-length': page.length,
        connection: 'close',
      })
      response.write(page)
      // Closed at once, the connection would be reset before the answer is read.
      request.on('close', () => response.end())
      return void request.resume()
    }
    const refusal = this.refuses(request)
    if (refusal !== undefined) {
      response.writeHead(refusal, { 'content-length': 0, connection: 'close' })
      request.on('close', () => response.end())
      response.flushHeaders()
      return void request.resume()
    }
    await this.hold(request)
    const { method, url, headers } = request
    const onward = http.request({ host: '127.0.0.1', port, method, path: url, headers, agent: false })
    onward.on('response', (answer) => {
      for (const name of this.hides) delete answer.headers[name]
      response.writeHead(answer.statusCode ?? 502, answer.headers)
      answer.pipe(response)
    })
    onward.on('error', () => response.destroy())
    response.on('close', () => onward.destroy())
    request.pipe(onward)
  }
}

import { once } from 'node:events'
import { type IncomingMessage, type Server, type ServerResponse, createServer, request } from 'node:http'
import { type AddressInfo, type Socket, connect } from 'node:net'

/** A proxy as companies have them: plain requests and CONNECT. It finds every name of `.test` on this machine. */
export class ForwardProxy {
  /** `METHOD target` of what it was asked for. */
  readonly log: string[] = []
  /** All that it could read: request heads of plain requests, and of CONNECT. */
  overheard = ''
  /** `user:password` that it asks for. */
  wants: string | undefined
  readonly #server: Server
  readonly #sockets = new Set<Socket>()

  static async start(): Promise<ForwardProxy> {
    const proxy = new ForwardProxy()
    proxy.#server.listen(0, '127.0.0.1')
    await once(proxy.#server, 'listening')
    return proxy
  }

  private constructor() {
    this.#server = createServer((req, res) => this.#forward(req, res))
    this.#server.on('connect', (req: IncomingMessage, socket: Socket) => this.#tunnel(req, socket))
    this.#server.on('connection', (socket: Socket) => this.#keep(socket))
  }

  get address(): string {
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  async stop(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy()
    await new Promise((resolve) => this.#server.close(resolve))
  }

  #forward(req: IncomingMessage, res: ServerResponse): void {
    if (!this.#isWelcome(req)) return void res.writeHead(407, { 'proxy-authenticate': 'Basic' }).end()
    const url = new URL(req.url ?? '')
    const outgoing = request({
      host: hostOf(url.hostname),
      port: url.port || 80,
      method: req.method,
      path: url.pathname + url.search,
      headers: req.headers,
    })
    outgoing.on('response', (answer) => {
      res.writeHead(answer.statusCode ?? 502, answer.headers)
      answer.pipe(res)
    })
    outgoing.on('error', () => res.destroy())
    res.on('close', () => outgoing.destroy())
    req.pipe(outgoing)
  }

  #tunnel(req: IncomingMessage, socket: Socket): void {
    socket.on('error', () => undefined)
    if (!this.#isWelcome(req))
      return void socket.end('HTTP/1.1 407 Authenticate\r\ncontent-length: 0\r\n\r\n')
    const url = new URL(`http://${req.url}`)
    const target = connect(Number(url.port || 80), hostOf(url.hostname), () => {
      socket.write('HTTP/1.1 200 OK\r\n\r\n')
      target.pipe(socket).pipe(target)
    })
    this.#keep(target)
    target.on('error', () => socket.destroy())
  }

  #isWelcome(req: IncomingMessage): boolean {
    this.log.push(`${req.method} ${req.url}`)
    this.overheard += `${req.method} ${req.url} ${JSON.stringify(req.headers)}\n`
    const given = /^Basic (.*)$/.exec(req.headers['proxy-authorization'] ?? '')?.[1] ?? ''
    return this.wants === undefined || Buffer.from(given, 'base64').toString() === this.wants
  }

  #keep(socket: Socket): void {
    this.#sockets.add(socket)
    socket.on('close', () => this.#sockets.delete(socket))
  }
}

function hostOf(name: string): string {
  return name.endsWith('.test') ? '127.0.0.1' : name.replace(/^\[|\]$/g, '')
}

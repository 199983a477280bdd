import { once } from 'node:events'
import { type AddressInfo, type Server, type Socket, connect, createServer } from 'node:net'

/** SOCKS 5 without a password (RFC 1928). It finds every name of `.test` on this machine. */
export class SocksProxy {
  /** `host:port` of what it was asked for. */
  readonly log: string[] = []
  readonly #server: Server
  readonly #sockets = new Set<Socket>()

  static async start(): Promise<SocksProxy> {
    const proxy = new SocksProxy()
    proxy.#server.listen(0, '127.0.0.1')
    await once(proxy.#server, 'listening')
    return proxy
  }

  private constructor() {
    this.#server = createServer((socket) => {
      this.#sockets.add(socket)
      socket.on('error', () => undefined)
      void this.#serve(socket)
    })
  }

  get address(): string {
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  async stop(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy()
    await new Promise((resolve) => this.#server.close(resolve))
  }

  async #serve(socket: Socket): Promise<void> {
    await once(socket, 'data')
    socket.write(Buffer.from([5, 0]))
    const [wish] = (await once(socket, 'data')) as [Buffer]
    const isName = wish[3] === 3
    const end = isName ? 5 + (wish[4] ?? 0) : 8
    const host = isName ? wish.subarray(5, end).toString() : wish.subarray(4, 8).join('.')
    const port = wish.readUInt16BE(end)
    this.log.push(`${host}:${port}`)
    const target = connect(port, host.endsWith('.test') ? '127.0.0.1' : host, () => {
      socket.write(Buffer.from([5, 0, 0, 1, 0, 0, 0, 0, 0, 0]))
      target.pipe(socket).pipe(target)
    })
    this.#sockets.add(target)
    target.on('error', () => socket.destroy())
  }
}

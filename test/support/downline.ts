import { once } from 'node:events'
import { type AddressInfo, type Server, type Socket, connect, createServer } from 'node:net'

/** A line on which a server's answers come slowly, break off or fall silent. */
export class Downline {
  /** Bytes from the server to the client. */
  down = 0
  /** How many connections there have been, how many at most at once, and the numbers of those that are still there. */
  connections = 0
  mostAtOnce = 0
  /** Bytes per second of each connection towards the client. */
  rate = Infinity
  /** That of some, by their numbers: the first one is 1. */
  readonly rates = new Map<number, number>()
  /** More at once are refused. */
  most = Infinity
  /** A connection breaks after so many bytes towards the client. */
  cutEvery = Infinity
  cuts = 0
  readonly #server: Server
  readonly #sockets = new Map<Socket, number>()

  static async to(port: number): Promise<Downline> {
    const line = new Downline(port)
    line.#server.listen(0, '127.0.0.1')
    await once(line.#server, 'listening')
    return line
  }

  private constructor(port: number) {
    this.#server = createServer((client) => {
      const server = connect(port, '127.0.0.1')
      this.connections++
      if (this.#sockets.size >= this.most) return void client.resetAndDestroy()
      const number = this.connections
      this.#sockets.set(client, number)
      this.mostAtOnce = Math.max(this.mostAtOnce, this.#sockets.size)
      client.on('data', (bytes) => server.write(bytes))
      const end = () => {
        this.#sockets.delete(client)
        client.destroy()
        server.destroy()
      }
      for (const socket of [client, server]) socket.on('error', end).on('close', end)
      this.#carryDown(server, client, number)
    })
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  /** The connections that there are fall silent for ever, and nobody is told. New ones work. */
  silence(which = this.open): void {
    for (const [socket, number] of this.#sockets) if (which.includes(number)) socket.emit('silence')
  }

  get open(): number[] {
    return [...this.#sockets.values()]
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets.keys()) socket.destroy()
    await new Promise((resolve) => this.#server.close(resolve))
  }

  #rateOf(number: number): number {
    return this.rates.get(number) ?? this.rate
  }

  #carryDown(server: Socket, client: Socket, number: number): void {
    let carried = 0
    let isSilent = false
    client.on('silence', () => {
      isSilent = true
      server.pause()
    })
    server.on('data', (bytes) => {
      const allowed = bytes.subarray(0, Math.max(0, this.cutEvery - carried))
      carried += allowed.length
      this.down += allowed.length
      server.pause()
      client.write(allowed, () => {
        if (allowed.length < bytes.length) {
          this.cuts++
          client.resetAndDestroy()
        } else setTimeout(() => isSilent || server.resume(), (allowed.length / this.#rateOf(number)) * 1000)
      })
    })
  }
}

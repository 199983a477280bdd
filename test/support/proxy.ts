import { once } from 'node:events'
import { type AddressInfo, type Server, type Socket, connect, createServer } from 'node:net'

/** A line between client and server: it counts, slows down, falls silent or breaks. */
export class Line {
  /** Bytes from the client to the server. */
  up = 0
  /** Bytes per second towards the server; Infinity: as they come. */
  upRate = Infinity
  /** A connection breaks after so many bytes towards the server. */
  cutEvery = Infinity
  /** How often one has. */
  cuts = 0
  /** Milliseconds that everything is held back, each way. */
  latency = 0
  /** Each answer that it says yes to is lost, with the connection it came on. */
  losesAnswer: (bytes: Buffer) => boolean = () => false
  readonly #server: Server
  readonly #sockets = new Set<Socket>()
  readonly #silent = new Set<Socket>()

  /** `host`: the address of this machine to listen on. */
  static async to(port: number, host = '127.0.0.1'): Promise<Line> {
    const line = new Line(port)
    line.#server.listen(0, host)
    await once(line.#server, 'listening')
    return line
  }

  private constructor(port: number) {
    this.#server = createServer((client) => {
      const server = connect(port, '127.0.0.1')
      let carried = 0
      this.#join(client, server, (bytes) => {
        carried += bytes.length
        if (carried <= this.cutEvery) return this.#carryUp(client, server, bytes)
        this.cuts++
        client.pause()
        this.#later(() => this.#drop(client, server))
      })
      this.#join(server, client, (bytes) => {
        if (this.losesAnswer(bytes)) this.#drop(client, server)
        else this.#later(() => client.write(bytes))
      })
    })
  }

  get address(): string {
    return `127.0.0.1:${this.port}`
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  /** Breaks every connection that there is. New ones work. */
  cut(): void {
    this.#drop(...this.#sockets)
  }

  /** The connections that there are fall silent for ever, and nobody is told. New ones work. */
  silence(): void {
    for (const socket of this.#sockets) {
      socket.pause()
      this.#silent.add(socket)
    }
  }

  async close(): Promise<void> {
    this.cut()
    await new Promise((resolve) => this.#server.close(resolve))
  }

  #join(from: Socket, to: Socket, carry: (bytes: Buffer) => void): void {
    this.#sockets.add(from)
    from.on('data', carry)
    from.on('error', () => to.destroy())
    from.on('end', () => this.#later(() => to.end()))
    from.on('close', () => {
      this.#sockets.delete(from)
      this.#later(() => to.destroy())
    })
  }

  /** Timers of one length go off in the order in which they were set. */
  #later(action: () => void): void {
    if (this.latency > 0) setTimeout(action, this.latency)
    else action()
  }

  #carryUp(client: Socket, server: Socket, bytes: Buffer): void {
    this.up += bytes.length
    if (this.latency > 0) return this.#later(() => server.write(bytes))
    const isFull = !server.write(bytes)
    if (!isFull && this.upRate === Infinity) return
    client.pause()
    const resume = () => {
      // Whoever does not read is not sent more than the line holds.
      if (server.writableNeedDrain) server.once('drain', resume)
      else if (!this.#silent.has(client)) client.resume()
    }
    setTimeout(resume, (bytes.length / this.upRate) * 1000)
  }

  #drop(...sockets: Socket[]): void {
    for (const socket of sockets) socket.resetAndDestroy()
  }
}

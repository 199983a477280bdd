import { connect, type Socket } from 'node:net'

/** What came back on a connection until it closed, or for so long. */
export interface RawAnswer {
  text: string
  /** The status of each response, in their order. */
  statuses: number[]
  isClosed: boolean
}

/** A connection on which every byte is the test's to say. */
export class Raw {
  text = ''
  isClosed = false
  readonly socket: Socket

  private constructor(port: number, localAddress: string | undefined) {
    this.socket = connect({ port, host: '127.0.0.1', ...(localAddress && { localAddress }) })
    this.socket.on('data', (bytes: Buffer) => (this.text += bytes.toString('latin1')))
    this.socket.on('error', () => undefined)
    this.socket.on('close', () => (this.isClosed = true))
  }

  /** Connects; `from`: the address of this machine to come from. */
  static async to(port: number, from?: string): Promise<Raw> {
    const raw = new Raw(port, from)
    await new Promise((resolve) => raw.socket.once('connect', resolve).once('close', resolve))
    return raw
  }

  send(bytes: string | Buffer): this {
    this.socket.write(bytes)
    return this
  }

  get statuses(): number[] {
    return [...this.text.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map(([, status]) => Number(status))
  }

  /** Resolves when the server has closed it, or after so many milliseconds. */
  async closed(within = 10_000): Promise<RawAnswer> {
    if (!this.isClosed)
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, within)
        this.socket.once('close', () => {
          clearTimeout(timer)
          resolve()
        })
      })
    return { text: this.text, statuses: this.statuses, isClosed: this.isClosed }
  }

  end(): void {
    this.socket.destroy()
  }
}

/** Sends bytes on a connection of their own, and returns what the server makes of them. */
export async function raw(port: number, bytes: string | Buffer, within?: number): Promise<RawAnswer> {
  const connection = await Raw.to(port)
  const answer = await connection.send(bytes).closed(within)
  connection.end()
  return answer
}

/** A request's head, line by line, with its empty line. */
export function head(...lines: string[]): string {
  return `${lines.join('\r\n')}\r\n\r\n`
}

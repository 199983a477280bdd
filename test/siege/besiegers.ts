import { randomBytes } from 'node:crypto'
import { connect, type Socket } from 'node:net'
import { metadata } from '../support/tus.js'

/** What a connection of theirs does. */
type Trick = (socket: Socket, n: number) => void

const head = (...lines: string[]) => `${lines.join('\r\n')}\r\n\r\n`

/** Nothing at all; half a request; a whole one, and then nothing. */
const IDLE: Trick[] = [
  () => undefined,
  (socket) =>
    socket.write(
      `GET /check?md5=${'a'.repeat(32)} HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Padding: ${'x'.repeat(500)}`,
    ),
  (socket) => socket.write(head('GET /healthz HTTP/1.1', 'Host: 127.0.0.1')),
]

/** Begins an upload, sends some of it, and then nothing, or a byte a second. */
const stall: Trick = (socket, n) => {
  const claim = metadata({ md5: randomBytes(16).toString('hex') })
  socket.write(
    head(
      'POST /tus HTTP/1.1',
      'Host: 127.0.0.1',
      'Tus-Resumable: 1.0.0',
      'Upload-Length: 1000000',
      `Upload-Metadata: ${claim}`,
      'Content-Type: application/offset+octet-stream',
      'Content-Length: 1000000',
    ),
  )
  socket.write(Buffer.alloc(10_000))
  if (n % 2 === 0) return
  const trickle = setInterval(() => socket.write('x'), 1000)
  socket.on('close', () => clearInterval(trickle))
}

/**
 * Connections from several addresses of this machine that are only there to be in the way. Each that the server closes
 * comes again.
 */
export class Besiegers {
  readonly #sockets = new Set<Socket>()
  readonly #open = new Set<Socket>()
  #isOver = false
  /** How many connections were made, and how many of them the server has refused. */
  made = 0
  refused = 0

  constructor(
    readonly port: number,
    readonly addresses: number,
  ) {}

  get open(): number {
    return this.#open.size
  }

  /** Connects so many that idle and so many that stall; some at a time, as a backlog is short. */
  async gather(idle: number, stalled: number): Promise<void> {
    for (let n = 0; n < idle + stalled; n++) {
      this.#send(n < stalled ? stall : IDLE[n % IDLE.length]!, n)
      if (n % 100 === 99) await new Promise((resolve) => void setTimeout(resolve, 25))
    }
  }

  #send(trick: Trick, n: number): void {
    if (this.#isOver) return
    this.made += 1
    const localAddress = `127.0.0.${2 + (n % this.addresses)}`
    const socket = connect({ port: this.port, host: '127.0.0.1', localAddress })
    this.#sockets.add(socket)
    socket.on('connect', () => {
      this.#open.add(socket)
      trick(socket, n)
    })
    socket.on('data', (bytes: Buffer) => {
      if (bytes.includes('too-many-connections')) this.refused += 1
    })
    socket.on('error', () => undefined)
    socket.on('close', () => {
      this.#open.delete(socket)
      this.#sockets.delete(socket)
      setTimeout(() => this.#send(trick, n), 100).unref()
    })
  }

  leave(): void {
    this.#isOver = true
    for (const socket of this.#sockets) socket.destroy()
  }
}

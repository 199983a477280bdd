import { spawn, type ChildProcessByStdio } from 'node:child_process'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import type { Side, Wire } from './wire.js'

const PORT = 9000
const DATAGRAMS = 100
/** So many milliseconds after the last datagram no other will come. */
const QUIET = 500
/** Of a program whose connection broke: why. */
const LAST_WORDS = '({ code }) => { console.log(code); process.exit() }'

type Program = ChildProcessByStdio<null, Readable, null>

/** What is said over a wire, by Node's own programs of a line or two. Each is killed with the wire at the latest. */
export class Talk {
  constructor(private readonly wire: Wire) {}

  /** Starts who sends everything back, at the far end. Like `chat` it ends when a connection breaks, and says why. */
  async echo(): Promise<Program> {
    const code = `
      net.createServer((socket) => socket.on('error', ${LAST_WORDS}).pipe(socket))
        .listen(${PORT}, () => console.log('up'))`
    const server = this.#start('far', code)
    await nextLine(server)
    return server
  }

  /** Milliseconds until a connection is there: one round trip. */
  async connect(): Promise<number> {
    return this.#told(`
      const begun = performance.now()
      net.connect(${this.#far}, () => { console.log(performance.now() - begun); process.exit() })`)
  }

  /** Milliseconds until so many bytes have come back. */
  fetch(bytes: number): Promise<number> {
    return this.#told(`
      const begun = performance.now()
      const socket = net.connect(${this.#far}).end(Buffer.alloc(${bytes}))
      socket.resume().on('end', () => console.log(performance.now() - begun))`)
  }

  /** Sends a byte every 20 ms; its output is what comes back of them. */
  chat(): Program {
    return this.#start(
      'near',
      `
      const socket = net.connect(${this.#far}).setNoDelay(true)
      socket.on('error', ${LAST_WORDS})
      setInterval(() => socket.write('.'), 20)
      socket.pipe(process.stdout)`,
    )
  }

  /** Which of a hundred numbered datagrams, of 1000 bytes each and sent all at once, arrive. */
  async datagrams(): Promise<number[]> {
    const hearer = this.#start(
      'far',
      `
      const numbers = []
      const told = () => { console.log(JSON.stringify(numbers)); process.exit() }
      let quiet
      dgram.createSocket('udp4').on('message', (text) => {
        numbers.push(Number(text))
        clearTimeout(quiet)
        quiet = setTimeout(told, ${QUIET})
      }).bind(${PORT}, () => console.log('up'))`,
    )
    const lines = createInterface(hearer.stdout)[Symbol.asyncIterator]()
    await lines.next()
    this.#start(
      'near',
      `
      const socket = dgram.createSocket('udp4')
      socket.connect(${this.#far}, () => {
        let sent = 0
        const done = () => { if (++sent === ${DATAGRAMS}) socket.close() }
        for (let n = 0; n < ${DATAGRAMS}; n++) socket.send(String(n).padEnd(1000), done)
      })`,
    )
    return JSON.parse((await lines.next()).value) as number[]
  }

  get #far(): string {
    return `${PORT}, '${this.wire.address('far')}'`
  }

  async #told(code: string): Promise<number> {
    return Number(await nextLine(this.#start('near', code)))
  }

  #start(side: Side, code: string): Program {
    const { program, args } = this.wire.in(side, process.execPath, ['-e', code])
    return spawn(program, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  }
}

/** What a program prints first. */
export async function nextLine({ stdout }: { stdout: Readable }): Promise<string> {
  for await (const line of createInterface(stdout)) return line
  throw new Error('it ended without a word')
}

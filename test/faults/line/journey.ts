import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { CLIENT, ClientHome } from '../../support/client.js'
import type { Namespace } from '../../support/namespace.js'
import { bytesOf, type Specimen } from '../random.js'
import type { Witness } from '../witness.js'

const SENDER = fileURLToPath(new URL('./sender.ts', import.meta.url))

/** Who sends: a stock tus client, Ferry's own, or a form that is posted until it is stored. */
export type Kind = 'tus' | 'ferry' | 'form'

export interface Order {
  kind: Kind
  file: Specimen
  /** `host:port`, as seen from inside. */
  address: string
  space: Namespace
  witness: Witness
  /** For a stock client, in bytes. */
  chunkSize: number
}

/** One file on its way from inside a namespace; the sender can be killed and begun anew. */
export class Journey {
  #child!: ChildProcess
  /** It has ended, and all that it said was heard. */
  #ended!: Promise<unknown>
  /** What it has said, for who must tell why it did not arrive. */
  said = ''

  private constructor(
    readonly order: Order,
    readonly home: ClientHome,
  ) {}

  static async begin(order: Order): Promise<Journey> {
    const home = await ClientHome.create()
    if (order.kind === 'ferry') await home.write(order.file.filename, bytesOf(order.file))
    const journey = new Journey(order, home)
    journey.#start()
    return journey
  }

  #start(): void {
    const { space, witness, file, kind } = this.order
    const [program, ...rest] = [...space.command, process.execPath, ...this.#args()]
    this.#child = spawn(program!, rest, {
      cwd: this.home.dir,
      env: { PATH: process.env['PATH'], FERRY_STATE_DIR: this.home.state, FERRY_LANG: 'en' },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    this.#ended = once(this.#child, 'close')
    this.#child.stderr!.on('data', (text: Buffer) => (this.said += text.toString()))
    createInterface({ input: this.#child.stdout! }).on('line', (line) => {
      this.said += `${line}\n`
      if (kind !== 'ferry') hear(line, file, witness)
    })
  }

  #args(): string[] {
    const { kind, file, address, chunkSize } = this.order
    if (kind === 'ferry') return [CLIENT, '-file', file.filename, '-server', address, '--retry-for', '10m']
    const args = [kind, `http://${address}`, file.number, file.size, chunkSize].map(String)
    return ['--import', import.meta.resolve('tsx'), SENDER, ...args]
  }

  /** The same sender once more, after the first one was ended without a word. */
  async beginAnew(): Promise<void> {
    await this.#kill()
    const { witness, file } = this.order
    // It takes the former upload over, and that one's id is gone then.
    for (const [url, { specimen }] of witness.pending) if (specimen.md5 === file.md5) witness.ended(url)
    this.#start()
  }

  /** True when it ends well within so many milliseconds. */
  async arrives(milliseconds: number): Promise<boolean> {
    const { witness, file, kind } = this.order
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), milliseconds)
    await this.#ended
    clearTimeout(timer)
    const isThere = this.#child.exitCode === 0
    if (isThere && kind === 'ferry') witness.success(file)
    return isThere
  }

  async end(): Promise<void> {
    await this.#kill()
    await this.home.remove()
  }

  async #kill(): Promise<void> {
    this.#child.kill('SIGKILL')
    await this.#ended
  }
}

/** What a sender says goes to the witness. */
function hear(line: string, file: Specimen, witness: Witness): void {
  const [word, url, offset] = line.split(' ')
  if (word === 'offset') witness.offset(url!, file, Number(offset))
  if (word === 'success') witness.success(file, url)
  if (word === 'ended') witness.ended(url!)
}

import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises'
import { createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The built server program. */
export const MAIN = fileURLToPath(new URL('../../dist/src/main.js', import.meta.url))

/** A real server process in a folder of its own. It can be killed and started again in the same folder. */
export class TestServer {
  #child: ChildProcess | undefined
  /** All that its processes have printed. */
  output = ''

  private constructor(
    readonly dir: string,
    readonly port: number,
    readonly env: Record<string, string>,
    readonly command: string[],
  ) {}

  /** Starts one and waits until it listens. `command`: what to run it under (strace …); default plain node. */
  static async start({
    env = {},
    command = [process.execPath, MAIN],
    dir,
  }: { env?: Record<string, string>; command?: string[]; dir?: string } = {}): Promise<TestServer> {
    const folder = dir ?? (await mkdtemp(join(tmpdir(), 'ferry-test-')))
    await mkdir(folder, { recursive: true })
    const server = new TestServer(folder, await freePort(), env, command)
    await server.start()
    return server
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`
  }

  /** `host:port`, as a user types it. */
  get address(): string {
    return `127.0.0.1:${this.port}`
  }

  get pid(): number {
    return this.#child!.pid!
  }

  get files(): string {
    return join(this.dir, 'files')
  }

  get tmp(): string {
    return join(this.dir, 'tmp')
  }

  /** The names on the shelf, without the ledger. */
  async shelf(): Promise<string[]> {
    return (await readdir(this.files)).filter((name) => !name.startsWith('.')).toSorted()
  }

  /** The parts in the inbox. */
  async inbox(): Promise<string[]> {
    return (await readdir(this.tmp)).filter((name) => !name.startsWith('.')).toSorted()
  }

  /**
   * Waits until the lines of all that was answered so far stand in `output`, which gathers them for a moment: those of
   * a last request come after them. How long the output is then.
   */
  async logged(): Promise<number> {
    const before = this.output.length
    await (await fetch(`${this.url}/healthz`)).arrayBuffer()
    while (!/ door=health/.test(this.output.slice(before))) await pause(5)
    return this.output.length
  }

  /** Starts the process again in the same folder, on the same port; `env` is added for this start only. */
  async start(env: Record<string, string> = {}): Promise<void> {
    const before = this.output.length
    const child = this.#spawn(env)
    const exited = once(child, 'exit') as Promise<unknown[]>
    while (!/Shelf read|初始化已知文件映射/.test(this.output.slice(before))) {
      const gone = await Promise.race([exited, pause(10)])
      if (!gone) continue
      const said = this.output.slice(before)
      throw new Error(
        `the server did not start: ${said || `it ended with ${gone.join(' ')}, and without a word`}`,
      )
    }
  }

  /** Starts the process and kills it after so many milliseconds, whether it listens by then or not. */
  async startAndKill(milliseconds: number): Promise<void> {
    this.#spawn({})
    await pause(milliseconds)
    await this.kill()
  }

  #spawn(env: Record<string, string>): ChildProcess {
    const [program, ...rest] = this.command
    const child = spawn(program!, rest, {
      cwd: this.dir,
      env: {
        PATH: process.env['PATH'],
        HOME: process.env['HOME'],
        HTTP_PORT: String(this.port),
        FERRY_LANG: 'en',
        // The disk that the tests run on may be fuller than an operator would like.
        MIN_FREE: '0',
        ...this.env,
        ...env,
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    this.#child = child
    child.stdout.on('data', (text: Buffer) => (this.output += text.toString()))
    child.stderr.on('data', (text: Buffer) => (this.output += text.toString()))
    return child
  }

  /** SIGKILL: nothing is tidied up. */
  async kill(): Promise<void> {
    await this.#end('SIGKILL')
  }

  get runs(): boolean {
    const child = this.#child
    return child !== undefined && child.exitCode === null && child.signalCode === null
  }

  /** Resolves when the process is gone, whoever ended it. */
  async exited(): Promise<void> {
    if (this.runs) await once(this.#child!, 'exit')
  }

  /** SIGTERM; returns the exit code. */
  async terminate(): Promise<number | null> {
    return this.#end('SIGTERM')
  }

  /** Ends the process and removes its folder. */
  async stop(): Promise<void> {
    await this.#end('SIGKILL')
    await rm(this.dir, { recursive: true, force: true })
  }

  async #end(signal: NodeJS.Signals): Promise<number | null> {
    const child = this.#child
    if (!child || child.exitCode !== null || child.signalCode !== null) return child?.exitCode ?? null
    const exited = once(child, 'exit')
    child.kill(signal)
    await exited
    return child.exitCode
  }
}

/** A port that nobody listens on right now. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

/** Whether the process ends, or has ended, within so many milliseconds. */
export async function isGone(server: TestServer, milliseconds: number): Promise<boolean> {
  const until = performance.now() + milliseconds
  while (server.runs && performance.now() < until) await pause(5)
  return !server.runs
}

export function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => void setTimeout(resolve, milliseconds))
}

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Writable } from 'node:stream'
import { fileURLToPath } from 'node:url'

export const CLIENT = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url))

/** A folder of a user's: files to send, and a state folder of the client's own. */
export class ClientHome {
  private constructor(readonly dir: string) {}

  static async create(): Promise<ClientHome> {
    return new ClientHome(await mkdtemp(join(tmpdir(), 'ferry-client-')))
  }

  get state(): string {
    return join(this.dir, 'state')
  }

  get config(): string {
    return join(this.dir, 'config')
  }

  path(name: string): string {
    return join(this.dir, name)
  }

  /** Writes a file and returns its path. */
  async write(name: string, bytes: Uint8Array | string): Promise<string> {
    await writeFile(this.path(name), bytes)
    return this.path(name)
  }

  get cache(): string {
    return join(this.dir, 'cache')
  }

  /** Starts the real client here. Environment variables that would change its language or server are not inherited. */
  start(args: string[], env: Record<string, string> = {}, input?: string): TestClient {
    return new TestClient(args, this.dir, { ...this.#folders, ...env }, input)
  }

  /** The same, and what comes on its standard input is the test's to say. */
  startWithInput(args: string[], env: Record<string, string> = {}): TestClient & { input: Writable } {
    const client = new TestClient(args, this.dir, { ...this.#folders, ...env }, 'open')
    return Object.assign(client, { input: client.child.stdin! })
  }

  /** Runs the client to its end. `input` is piped into it. */
  run(args: string[], env: Record<string, string> = {}, input?: string): Promise<Outcome> {
    return this.start(args, env, input).outcome
  }

  get #folders(): Record<string, string> {
    return { FERRY_STATE_DIR: this.state, FERRY_CACHE_DIR: this.cache, XDG_CONFIG_HOME: this.config }
  }

  remove(): Promise<void> {
    return rm(this.dir, { recursive: true, force: true })
  }
}

export interface Outcome {
  code: number | null
  signal: string | null
  stdout: string
  stderr: string
  /** The lines of stdout. */
  lines: string[]
}

/** A real client process. */
export class TestClient {
  readonly child: ChildProcess
  readonly outcome: Promise<Outcome>
  stdout = ''
  stderr = ''

  /** `input` is piped into it; `open`: its standard input stays open. */
  constructor(args: string[], cwd: string, env: Record<string, string>, input?: string) {
    this.child = spawn(process.execPath, [CLIENT, ...args], {
      cwd,
      env: { PATH: process.env['PATH'], ...env },
      stdio: [input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
    })
    if (input !== 'open') this.child.stdin?.end(input)
    this.child.stdout?.setEncoding('utf8').on('data', (text: string) => (this.stdout += text))
    // A client that ends early breaks its pipe, and that is the test's to judge by the outcome.
    this.child.stdin?.on('error', () => undefined)
    this.child.stderr?.setEncoding('utf8').on('data', (text: string) => (this.stderr += text))
    this.outcome = this.#end()
  }

  /** Resolves when stdout and stderr together match; fails when the client ends before. */
  async until(pattern: RegExp): Promise<void> {
    const ended = this.outcome.then(() => true)
    while (!pattern.test(this.stdout + this.stderr)) {
      if (await Promise.race([ended, pause(5)]))
        throw new Error(`the client ended without ${pattern}:\n${this.stdout}${this.stderr}`)
    }
  }

  kill(signal: NodeJS.Signals): Promise<Outcome> {
    this.child.kill(signal)
    return this.outcome
  }

  async #end(): Promise<Outcome> {
    const [code, signal] = (await once(this.child, 'close')) as [number | null, string | null]
    const { stdout, stderr } = this
    return { code, signal, stdout, stderr, lines: stdout.trimEnd().split('\n') }
  }
}

function pause(milliseconds: number): Promise<false> {
  return new Promise((resolve) => void setTimeout(() => resolve(false), milliseconds))
}

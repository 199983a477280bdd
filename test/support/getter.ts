import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Writable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { onTestFinished } from 'vitest'
import type { GetAllOrder, GetOrder, GetTools, Wishes } from '#cli/get/order.js'
import { pause } from './server.js'

const DRIVER = fileURLToPath(new URL('./get-driver.ts', import.meta.url))
const PACKAGE = fileURLToPath(new URL('../..', import.meta.url))

/** A folder to get files into, which goes with the test. */
export class GetFolder {
  private constructor(readonly dir: string) {}

  static async create(): Promise<GetFolder> {
    const dir = await mkdtemp(join(tmpdir(), 'ferry-get-'))
    onTestFinished(() => rm(dir, { recursive: true, force: true }))
    return new GetFolder(dir)
  }

  /** One that is there, and stays. */
  static at(dir: string): GetFolder {
    return new GetFolder(dir)
  }

  path(name: string): string {
    return join(this.dir, name)
  }

  read(name: string): Promise<Buffer> {
    return readFile(this.path(name))
  }

  /** All that is in it. */
  async names(): Promise<string[]> {
    return (await readdir(this.dir)).toSorted()
  }

  /** How many bytes the record beside a part says are there; 0 without a record. */
  async recorded(name: string): Promise<number> {
    const text = await readFile(this.path(`${name}.part.json`), 'utf8').catch(() => '{"have":[]}')
    const { have } = JSON.parse(text) as { have: [number, number][] }
    return have.reduce((sum, [start, end]) => sum + end - start, 0)
  }

  /** Wishes for files from `server` in this folder. */
  wishes(server: string, wishes: Partial<Wishes> = {}): Wishes {
    return {
      server,
      cwd: this.dir,
      connections: 1,
      force: false,
      retryForMs: 20_000,
      retryFor: '20s',
      ...wishes,
    }
  }
}

/** Tools that keep what they are given. */
export function testTools(signal = new AbortController().signal) {
  const said: string[] = []
  const written: Buffer[] = []
  const stdout = new Writable({
    write: (chunk: Buffer, _encoding, done) => {
      written.push(chunk)
      done()
    },
  })
  const steps: string[] = []
  const tools: GetTools = {
    console: { say: (line) => void said.push(line), warn: (line) => void said.push(line) },
    language: 'en',
    progress: { start: ({ kind }) => void steps.push(kind), update: () => undefined, stop: () => undefined },
    stdout,
    signal,
  }
  return { ...tools, steps, lines: said, output: () => Buffer.concat(written) }
}

type Within = (program: string, args: string[]) => { program: string; args: string[] }

/** A real process that gets something, and can be killed. */
export class Getter {
  readonly child: ChildProcess
  readonly exited: Promise<number | null>
  /** All that it has printed, standard output in bytes. */
  output = ''
  readonly stdout: Buffer[] = []

  /** `within`: how a program is run where the getter shall be. */
  constructor(order: GetOrder | GetAllOrder, within: Within = (program, args) => ({ program, args })) {
    const { program, args } = within(process.execPath, ['--import', 'tsx', DRIVER, JSON.stringify(order)])
    this.child = spawn(program, args, {
      cwd: PACKAGE,
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    this.child.stdout!.on('data', (bytes: Buffer) => {
      this.stdout.push(bytes)
      this.output += bytes.toString('latin1')
    })
    this.child.stderr!.on('data', (bytes: Buffer) => (this.output += bytes.toString()))
    this.exited = once(this.child, 'close').then(([code]) => code as number | null)
  }

  /** Resolves when the condition holds; fails when the process ends before. */
  async until(condition: () => boolean | Promise<boolean>): Promise<void> {
    const ended = this.exited.then(() => true)
    while (!(await condition())) {
      if (await Promise.race([ended, pause(10)])) throw new Error(`it ended too early: ${this.output}`)
    }
  }

  kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<number | null> {
    this.child.kill(signal)
    return this.exited
  }
}

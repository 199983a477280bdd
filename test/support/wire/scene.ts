import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { CLIENT, ClientHome } from '../client.js'
import { MAIN, pause, TestServer } from '../server.js'
import { content, md5 } from '../tus.js'
import { Wire } from './wire.js'

const run = promisify(execFile)

/** A wire, a server at its far end, and the home of somebody at its near end who uses `ferry upload`. */
export class WireScene {
  private constructor(
    readonly wire: Wire,
    readonly server: TestServer,
    readonly home: ClientHome,
  ) {}

  static async open(line: Parameters<typeof Wire.open>[0]): Promise<WireScene> {
    const wire = await Wire.open(line)
    const { program, args } = wire.in('far', process.execPath, [MAIN])
    const env = { HOST: wire.address('far') }
    const server = await TestServer.start({ env, command: [program, ...args] })
    return new WireScene(wire, server, await ClientHome.create())
  }

  async close(): Promise<void> {
    await this.wire.close()
    await Promise.all([this.server.stop(), this.home.remove()])
  }

  /** A new file that no server has seen. */
  async file(name: string, size: number): Promise<{ name: string; size: number; md5: string }> {
    const { bytes, md5 } = content(size)
    await this.home.write(name, bytes)
    return { name, size, md5 }
  }

  /** Runs the client to its end, which has to be a good one; what it prints. */
  async upload(...args: string[]): Promise<{ stdout: string; stderr: string }> {
    const server = `${this.wire.address('far')}:${this.server.port}`
    const command = this.wire.in('near', process.execPath, [CLIENT, 'upload', '-s', server, ...args])
    const { dir, state, cache, config } = this.home
    const folders = { FERRY_STATE_DIR: state, FERRY_CACHE_DIR: cache, XDG_CONFIG_HOME: config }
    const env = { PATH: process.env['PATH'], FERRY_LANG: 'en', ...folders }
    return run(command.program, command.args, { cwd: dir, env })
  }

  /** Where the server's log ends, when all that was answered so far stands in it. */
  async logged(): Promise<number> {
    const url = `http://${this.wire.address('far')}:${this.server.port}`
    const { program, args } = this.wire.in('near', process.execPath, ['-e', `fetch('${url}/healthz')`])
    const before = this.server.output.length
    await run(program, args)
    while (!/ door=health/.test(this.server.output.slice(before))) await pause(5)
    return this.server.output.length
  }

  /** The MD5 of what the server has under that name. */
  async md5Of(name: string): Promise<string> {
    return md5(await readFile(join(this.server.files, name)))
  }
}

import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { ClientHome, type Outcome, type TestClient } from './client.js'
import { Gateway } from './gateway.js'
import { Line } from './proxy.js'
import { TestServer } from './server.js'
import { content, md5 } from './tus.js'

export const MIB = 1024 * 1024

/** A file in a sender's home. */
export interface TestFile {
  path: string
  name: string
  bytes: Buffer
  md5: string
}

/** A server, a line to it, and the home of somebody who uses `ferry upload`. */
export class UploadScene {
  private constructor(
    readonly server: TestServer,
    readonly gateway: Gateway,
    readonly line: Line,
    readonly home: ClientHome,
  ) {}

  /** The line leads to the server; with `gateway`, to the proxy before it. */
  static async open(env: Record<string, string> = {}, by: 'line' | 'gateway' = 'line'): Promise<UploadScene> {
    const server = await TestServer.start({ env })
    const gateway = await Gateway.to(server.port)
    const line = await Line.to(by === 'line' ? server.port : gateway.port)
    return new UploadScene(server, gateway, line, await ClientHome.create())
  }

  async close(): Promise<void> {
    await this.line.close()
    await Promise.all([this.gateway.close(), this.server.stop(), this.home.remove()])
  }

  /** A line of its own, so that nothing is known of it; counted anew. */
  async newLine({ upRate = Infinity, cutEvery = Infinity } = {}): Promise<void> {
    await rm(join(this.home.state, 'servers'), { recursive: true, force: true })
    Object.assign(this.line, { up: 0, upRate, cutEvery })
  }

  /** A new file that no server has seen. */
  async file(name: string, size: number): Promise<TestFile> {
    const { bytes, md5 } = content(size)
    return { path: await this.home.write(name, bytes), name, bytes, md5 }
  }

  start(args: string[], { home = this.home }: { home?: ClientHome } = {}): TestClient {
    return home.start(['upload', '-s', this.line.address, ...args], ENGLISH)
  }

  run(args: string[]): Promise<Outcome> {
    return this.start(args).outcome
  }

  /** With a standard input that the test writes to. */
  pipe(args: string[]): ReturnType<ClientHome['startWithInput']> {
    return this.home.startWithInput(['upload', '-s', this.line.address, ...args], ENGLISH)
  }

  url({ md5, name }: { md5: string; name: string }): string {
    return `${this.server.url}/files/${md5}.${/\.(\w+)$/.exec(name)?.[1] ?? 'bin'}`
  }

  /** The MD5 of what the server gives for that URL. */
  async md5At(url: string): Promise<string> {
    const response = await fetch(url)
    const bytes = Buffer.from(await response.arrayBuffer())
    return response.ok ? md5(bytes) : `HTTP ${response.status}`
  }

  /** What the server's log says of each request since it was so long. */
  async requests(since = 0): Promise<Record<string, string>[]> {
    await this.server.logged()
    return this.server.output
      .slice(since)
      .split('\n')
      .filter((line) => line.includes(' method=') && !line.includes(' door=health'))
      .map((line) =>
        Object.fromEntries([...line.matchAll(/(\w+)=(\S+)/g)].map(([, key, value]) => [key, value])),
      )
  }

  /** Those of one method at one door. */
  async count(method: string, door: string, since = 0): Promise<number> {
    const requests = await this.requests(since)
    return requests.filter((request) => request['method'] === method && request['door'] === door).length
  }
}

const ENGLISH = { FERRY_LANG: 'en' }

/** The objects that a run with --json has printed. */
export function eventsOf({ lines }: Outcome): Record<string, unknown>[] {
  return lines.map((line) => JSON.parse(line) as Record<string, unknown>)
}

import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { makeFile } from './big-file.js'
import { TestBrowser } from './browser.js'
import { PageRequests } from './page-requests.js'
import { MAIN, TestServer } from './server.js'
import { openDoor } from './wire/door.js'
import { type Line, Wire } from './wire/wire.js'

/** A visitor's browser at the near end of a wire, and a server at the far one. */
export class PageWire {
  #seed = 0

  private constructor(
    readonly wire: Wire,
    readonly server: TestServer,
    readonly folder: string,
    readonly browser: TestBrowser,
    /** What the page asks and sends. */
    readonly requests: PageRequests,
  ) {}

  static async open(line: Partial<Line>): Promise<PageWire> {
    const wire = await Wire.open(line)
    const { program, args } = wire.in('far', process.execPath, [MAIN])
    const server = await TestServer.start({ command: [program, ...args] })
    const folder = await mkdtemp(join(tmpdir(), 'ferry-page-'))
    const network = {
      in: (program: string, args: string[]) => wire.in('near', program, args),
      door: (port: number) => openDoor(wire, 'near', port),
    }
    const browser = await TestBrowser.start({ network })
    const scene = new PageWire(wire, server, folder, browser, new PageRequests(browser.page))
    browser.page.on('dialog', (dialog) => void dialog.accept())
    await scene.visit()
    return scene
  }

  async visit(): Promise<void> {
    await this.browser.open(`http://${this.wire.address('far')}:${this.server.port}/`)
    await this.#chooser.waitFor({ state: 'attached' })
  }

  /** A new file that nobody has seen: its path, and its MD5. */
  async file(name: string, size: number): Promise<{ path: string; md5: string }> {
    const path = join(this.folder, name)
    return { path, md5: await makeFile(path, size, `${this.folder} ${++this.#seed}`) }
  }

  choose(path: string): Promise<void> {
    return this.browser.chooseIn(this.#chooser, path)
  }

  get #chooser() {
    return this.browser.page.getByLabel(/^Choose files$/)
  }

  async close(): Promise<void> {
    await this.browser.remove()
    await this.server.stop()
    await this.wire.close()
    await rm(this.folder, { recursive: true, force: true })
  }
}

import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Locator } from 'playwright-core'
import { expect } from 'vitest'
import { makeFile } from './big-file.js'
import { TestBrowser, type BrowserOptions } from './browser.js'
import { Line } from './proxy.js'
import { TestServer } from './server.js'

export const MIB = 1024 * 1024

/** A server, a line to it, a folder of files, and a visitor's browser that shows the page at the line's other end. */
export class PageScene {
  #seed = 0

  private constructor(
    readonly server: TestServer,
    readonly line: Line,
    readonly folder: string,
    public browser: TestBrowser,
  ) {}

  static async open(options: BrowserOptions & { env?: Record<string, string> } = {}): Promise<PageScene> {
    const { env = {}, ...browserOptions } = options
    const server = await TestServer.start({ env: { MIN_FREE: '0', ...env } })
    const line = await Line.to(server.port)
    const folder = await mkdtemp(join(tmpdir(), 'ferry-page-'))
    const scene = new PageScene(server, line, folder, await TestBrowser.start(browserOptions))
    await scene.#begin()
    return scene
  }

  /** The page's address. */
  get url(): string {
    return `http://${this.line.address}/`
  }

  async visit(): Promise<void> {
    await this.browser.open(this.url)
    await this.#chooser.waitFor({ state: 'attached' })
  }

  /** The path of a new file that nobody has seen. */
  async file(name: string, size: number): Promise<string> {
    const path = join(this.folder, name)
    await makeFile(path, size, `${this.folder} ${++this.#seed}`)
    return path
  }

  choose(...paths: string[]): Promise<void> {
    return this.browser.chooseIn(this.#chooser, ...paths)
  }

  get #chooser(): Locator {
    return this.browser.page.getByLabel(/^(Choose files|选择文件)$/)
  }

  /** Waits until the server has so many bytes of some upload, in its inbox. */
  async untilSent(bytes: number): Promise<void> {
    const { up } = this.line
    await expect.poll(() => this.line.up - up, { timeout: 60_000, interval: 20 }).toBeGreaterThan(bytes)
  }

  /** The browser is killed and opened again, on what it remembers. */
  async reopen(): Promise<void> {
    this.browser = await this.browser.reopen()
    await this.#begin()
  }

  /** Somebody else's browser, which has never been here. */
  async change(): Promise<void> {
    await this.browser.remove()
    this.browser = await TestBrowser.start()
    await this.#begin()
  }

  async #begin(): Promise<void> {
    // Whoever leaves while something is sent is asked, and means it.
    this.browser.page.on('dialog', (dialog) => void dialog.accept())
    await this.visit()
  }

  async close(): Promise<void> {
    await this.browser.remove()
    await this.line.close()
    await this.server.stop()
    await rm(this.folder, { recursive: true, force: true })
  }
}

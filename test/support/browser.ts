import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { chromium, type CDPSession, type Locator, type Page } from 'playwright-core'
import { PageCard } from './page-card.js'
import { ProcessGroup } from './process-group.js'
import { pause } from './server.js'
import { find } from './tools.js'

/** Flags of a Chromium that works in a container and talks to nobody but whom a test names. */
export const QUIET = [
  '--no-sandbox',
  '--disable-gpu',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  // A name that is no machine's own, so that a page there has no secure context.
  '--host-resolver-rules=MAP ferry.test 127.0.0.1',
]

export interface BrowserOptions {
  /** Folder with all that the browser remembers; default: a new one, that goes with `remove`. */
  profile?: string
  /** What the user reads: `navigator.languages` and Accept-Language. */
  language?: 'en-US' | 'zh-CN'
  colours?: 'light' | 'dark'
  /** CSS pixels. */
  viewport?: { width: number; height: number }
  /** Whether pages are told of a mouse, which a headless machine hasn't got. */
  hasMouse?: boolean
  /** The network that it lives in, where that is not the machine's. */
  network?: Network
}

/** Another network: how a program is started there, and where its ports can be spoken to from here. */
export interface Network {
  in(program: string, args: string[]): { program: string; args: string[] }
  door(port: number): Promise<number>
}

const HERE: Network = { in: (program, args) => ({ program, args }), door: (port) => Promise.resolve(port) }

/** Blink's own numbers for a fine pointer, and one that hovers. */
const MOUSE =
  '--blink-settings=primaryPointerType=4,availablePointerTypes=4,primaryHoverType=2,availableHoverTypes=2'

/**
 * A real Chromium of a user's, with one page. It is a process group of its own, so that it can be killed like a user's,
 * and all that a page has stored outlives that in the profile.
 */
export class TestBrowser {
  #complaints: string[] = []

  private constructor(
    readonly profile: string,
    readonly options: BrowserOptions,
    readonly processes: ProcessGroup,
    /** What these hands can't do, playwright's can. */
    readonly page: Page,
    /** The page's DevTools session. */
    readonly cdp: CDPSession,
  ) {}

  static async start(options: BrowserOptions = {}): Promise<TestBrowser> {
    const {
      profile = await mkdtemp(join(tmpdir(), 'ferry-browser-')),
      language = 'en-US',
      hasMouse = false,
      network = HERE,
    } = options
    const { program, args } = network.in(find('chromium')!, [
      ...QUIET,
      ...(hasMouse ? [MOUSE] : []),
      '--headless=new',
      '--remote-debugging-port=0',
      `--user-data-dir=${profile}`,
      `--accept-lang=${language}`,
      'about:blank',
    ])
    const processes = new ProcessGroup(program, args)
    try {
      const address = new URL(await debuggerOf(processes.child))
      address.port = String(await network.door(Number(address.port)))
      const [context] = (await chromium.connectOverCDP(address.href)).contexts()
      const page = context!.pages()[0] ?? (await context!.newPage())
      const cdp = await context!.newCDPSession(page)
      const browser = new TestBrowser(profile, options, processes, page, cdp)
      await browser.#prepare()
      return browser
    } catch (error) {
      await processes.kill()
      throw error
    }
  }

  async #prepare(): Promise<void> {
    const { viewport, colours } = this.options
    await this.#listen()
    if (viewport) await this.page.setViewportSize(viewport)
    if (colours) await this.page.emulateMedia({ colorScheme: colours })
  }

  async open(url: string): Promise<void> {
    await this.page.goto(url)
  }

  /** What no page of ours should ever cause: errors on the console or thrown, and whatever its policy forbids. */
  complaints(): string[] {
    return [...this.#complaints]
  }

  /** These were to be expected: of a server that was killed the browser says that something could not be loaded. */
  forgive(expected: RegExp): void {
    this.#complaints = this.#complaints.filter((complaint) => !expected.test(complaint))
  }

  /** Chooses files or, with a folder's path, a folder, in the input with this label. They are given by path, so they may be big. */
  async choose(label: string, ...paths: string[]): Promise<void> {
    await this.chooseIn(this.page.getByLabel(label, { exact: true }), ...paths)
  }

  async chooseIn(input: Locator, ...paths: string[]): Promise<void> {
    const page = input.page()
    const cdp = page === this.page ? this.cdp : await page.context().newCDPSession(page)
    await input.evaluate((element) => void Object.assign(globalThis, { chosenInput: element }))
    const { result } = await cdp.send('Runtime.evaluate', { expression: 'chosenInput' })
    await cdp.send('DOM.setFileInputFiles', { files: paths, objectId: result.objectId! })
    await page.evaluate('delete globalThis.chosenInput')
  }

  /** Holds files and folders over the middle of the page, as from a file manager. */
  async drag(...paths: string[]): Promise<void> {
    const middle = await this.#middle()
    await this.#dispatchDrag('dragEnter', middle, paths)
    await this.#dispatchDrag('dragOver', middle, paths)
  }

  /** Drops them there. */
  async drop(...paths: string[]): Promise<void> {
    await this.drag(...paths)
    await this.#dispatchDrag('drop', await this.#middle(), paths)
  }

  /** Takes them away again. */
  async dragOut(): Promise<void> {
    // What is called dragCancel tells the page nothing.
    await this.#dispatchDrag('dragOver', { x: -1, y: -1 }, [])
  }

  #middle(): Promise<{ x: number; y: number }> {
    return this.page.evaluate('({ x: innerWidth / 2, y: innerHeight / 2 })')
  }

  async #dispatchDrag(
    type: 'dragEnter' | 'dragOver' | 'drop',
    place: { x: number; y: number },
    files: string[],
  ): Promise<void> {
    const data = { items: [], files, dragOperationsMask: 1 }
    await this.cdp.send('Input.dispatchDragEvent', { type, ...place, data })
  }

  /** Pastes a small file, where the focus is. */
  async paste(name: string, bytes: Uint8Array, type = 'application/octet-stream'): Promise<void> {
    const base64 = Buffer.from(bytes).toString('base64')
    await this.page.evaluate(`{
      const bytes = Uint8Array.from(atob('${base64}'), (letter) => letter.charCodeAt(0))
      const clipboardData = new DataTransfer()
      clipboardData.items.add(new File([bytes], ${JSON.stringify(name)}, { type: ${JSON.stringify(type)} }))
      const paste = new ClipboardEvent('paste', { clipboardData, bubbles: true, cancelable: true })
      ;(document.activeElement ?? document.body).dispatchEvent(paste)
    }`)
  }

  /** A file on the page, by its name there. */
  card(name: string): PageCard {
    return new PageCard(this.page, name)
  }

  /** The files on the page, from the top. */
  cards(): Promise<string[]> {
    return this.page
      .locator('article[aria-label]')
      .evaluateAll((articles) =>
        articles.map((article) => (article as { ariaLabel?: string }).ariaLabel ?? ''),
      )
  }

  /** Presses a button that belongs to no file. */
  async press(name: string): Promise<void> {
    await this.page.getByRole('button', { name, exact: true }).click()
  }

  /** Bytes of memory: of what runs pages, and of all, since what a page holds as a Blob is not with the page. */
  async memory(): Promise<{ renderers: number; all: number }> {
    const sizes = await this.processes.memory()
    const sum = (of: typeof sizes) => of.reduce((sum, { bytes }) => sum + bytes, 0)
    return {
      renderers: sum(sizes.filter(({ command }) => command.includes('--type=renderer'))),
      all: sum(sizes),
    }
  }

  /** Quits as a user does who is not asked whether he wants to leave. */
  async quit(): Promise<void> {
    await this.cdp.send('Browser.close').catch(() => undefined) // the answer may not make it out
    await this.processes.gone()
  }

  /** SIGKILL to all of its processes: nothing is tidied up. */
  async kill(): Promise<void> {
    await this.processes.kill()
  }

  /** Another browser on the same profile, by default as this one was; this one has to have ended. */
  reopen(options: BrowserOptions = {}): Promise<TestBrowser> {
    return TestBrowser.start({ ...this.options, ...options, profile: this.profile })
  }

  /** Ends it, and all that it remembers goes. */
  async remove(): Promise<void> {
    await this.kill()
    await rm(this.profile, { recursive: true, force: true })
  }

  async #listen(): Promise<void> {
    const complain = (complaint: string) => void this.#complaints.push(complaint)
    this.page.on('pageerror', (error) => complain(`thrown: ${error.stack ?? error.message}`))
    this.page.on('console', (message) => {
      const text = message.text()
      const isPolicy = /^Refused to|violates the following Content Security Policy/.test(text)
      if (message.type() === 'error' || isPolicy) complain(`${text} (${message.location().url})`)
    })
    await this.page.addInitScript(`addEventListener('securitypolicyviolation', (event) =>
      console.error(\`policy: \${event.effectiveDirective} forbids \${event.blockedURI} \${event.sample}\`))`)
  }
}

/** Where the browser can be talked to, as it says when it is ready. */
async function debuggerOf(child: ChildProcess): Promise<string> {
  let said = ''
  // Read to its end: a full pipe would stop the browser.
  child.stderr!.setEncoding('utf8').on('data', (text: string) => (said = (said + text).slice(-100_000)))
  const exited = once(child, 'exit')
  for (;;) {
    const [, address] = /^DevTools listening on (ws:\S+)/m.exec(said) ?? []
    if (address !== undefined) return address
    if (await Promise.race([exited, pause(10)])) throw new Error(`Chromium did not start: ${said}`)
  }
}

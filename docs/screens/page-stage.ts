import { openAsBlob } from 'node:fs'
import { basename, join } from 'node:path'
import { makeFile } from '../../test/support/big-file.js'
import type { TestBrowser } from '../../test/support/browser.js'
import type { PageCard } from '../../test/support/page-card.js'
import { MIB, PageScene } from '../../test/support/page-scene.js'
import type { Line } from '../../test/support/proxy.js'
import { pause, type TestServer } from '../../test/support/server.js'

export type Language = 'en' | 'zh-CN'
/** What may happen to a file, as its card's class has it. */
type Step = 'hashing' | 'sending' | 'elsewhere' | 'down' | 'paused' | 'failed' | 'done'

/** What stands on the buttons, and what people's files are called. */
const WORDS = {
  en: {
    pause: 'Pause',
    qr: 'QR code',
    film: 'holiday.mov',
    build: 'game-build-1.4.2.zip',
    contract: 'contract, signed.pdf',
  },
  'zh-CN': {
    pause: '暂停',
    qr: '二维码',
    film: '影片.mp4',
    build: '游戏构建-1.4.2.zip',
    contract: '合同（已签字）.pdf',
  },
} as const

/** A line as many have it at home, in bytes per second. */
const HOME = 2.5 * MIB

/** A visitor before the page, and what the pictures need of him. */
export class Stage {
  readonly #endings: (() => Promise<unknown>)[] = []

  private constructor(
    readonly scene: PageScene,
    readonly words: (typeof WORDS)[Language],
  ) {}

  static async open(language: Language, colours: 'light' | 'dark', hasMouse: boolean): Promise<Stage> {
    const env = { PUBLIC_URL: 'https://files.example.org', SCRUB_DAYS: '0' }
    const browser = { language: language === 'en' ? 'en-US' : language, colours, hasMouse } as const
    return new Stage(await PageScene.open({ ...browser, env }), WORDS[language])
  }

  get browser(): TestBrowser {
    return this.scene.browser
  }

  get server(): TestServer {
    return this.scene.server
  }

  get line(): Line {
    return this.scene.line
  }

  visit(): Promise<void> {
    return this.scene.visit()
  }

  card(name: string): PageCard {
    return this.browser.card(name)
  }

  /** The path of a file that has the same bytes, and so the same link, each time. */
  async file(name: string, size: number): Promise<string> {
    const path = join(this.scene.folder, name)
    await makeFile(path, size, name)
    return path
  }

  /** Chooses a new file of that name and size. */
  async send(name: string, size: number): Promise<string> {
    const path = await this.file(name, size)
    await this.scene.choose(path)
    return path
  }

  /** Somebody else has sent it before. */
  async upload(path: string): Promise<void> {
    const form = new FormData()
    form.append('file', await openAsBlob(path), basename(path))
    await fetch(`${this.server.url}/upload`, { method: 'POST', body: form })
  }

  /** Waits until the server receives something. */
  async untilArriving(): Promise<void> {
    while ((await this.server.inbox()).length === 0) await pause(20)
  }

  /** Waits until that is what happens to the file, and its card says what fits. */
  async until(name: string, step: Step, fits?: (status: string) => boolean): Promise<void> {
    const card = this.browser.page.locator(`.card.${step}[aria-label="${name}"]`)
    for (;;) {
      await card.waitFor()
      if (!fits || fits(await this.card(name).status())) return
      await pause(20)
    }
  }

  /** So far it goes quickly, and then as lines do, until the page knows how long it will take. */
  async sendOn(name: string, percent: number): Promise<void> {
    this.line.upRate = 50 * MIB
    await this.until(name, 'sending', atLeast(percent))
    this.line.upRate = HOME
    await pause(8000)
  }

  /** What is to be put away at the end. */
  atEnd(ending: () => Promise<unknown>): void {
    this.#endings.push(ending)
  }

  async close(): Promise<void> {
    await this.scene.close()
    for (const end of this.#endings) await end()
  }
}

/** So many percent, at least. */
export function atLeast(percent: number): (status: string) => boolean {
  return (status) => Number(/(\d+)\s?%/.exec(status)?.[1] ?? 0) >= percent
}

import type { Locator, Page } from 'playwright-core'

/** A file on the page. */
export class PageCard {
  readonly locator: Locator

  constructor(page: Page, name: string) {
    this.locator = page.getByRole('article', { name, exact: true })
  }

  /** How many there are of this name: 1, or it is not there. */
  count(): Promise<number> {
    return this.locator.count()
  }

  /** What it says is happening. */
  async status(): Promise<string> {
    return (await this.locator.locator('.status').innerText()).trim()
  }

  /** Its permanent link, where it has one by now. */
  async link(): Promise<string | undefined> {
    const link = this.locator.locator('a.link')
    return (await link.count()) === 0 ? undefined : ((await link.getAttribute('href')) ?? undefined)
  }

  /** Its permanent link, as soon as it has one. `timeout`: milliseconds. */
  async untilLink(timeout = 60_000): Promise<string> {
    await this.locator.locator('a.link').waitFor({ timeout })
    return (await this.link())!
  }

  button(name: string): Locator {
    return this.locator.getByRole('button', { name, exact: true })
  }

  async press(name: string): Promise<void> {
    await this.button(name).click()
  }
}

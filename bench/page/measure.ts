import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { TestBrowser } from '../../test/support/browser.js'
import { Downline } from '../../test/support/downline.js'
import { CLOCK, type BenchPage } from './pages.js'

export interface Measured {
  milliseconds: number
  /** Cumulative layout shift while the file is on its way. */
  shift: number
}

/** Gives the file to the page, in a browser that knows nothing yet and with a disk that has nothing else to do. */
export async function measure(page: BenchPage, url: string, file: string): Promise<Measured> {
  await promisify(execFile)('sync')
  const browser = await TestBrowser.start({ viewport: { width: 1280, height: 800 } })
  try {
    await browser.page.addInitScript(CLOCK)
    await browser.page.goto(url, { waitUntil: 'networkidle' })
    await browser.page.evaluate(page.watch)
    await browser.chooseIn(browser.page.locator(page.input).first(), file)
    const measured = (await browser.page.evaluate('clock.read()')) as Measured
    const complaints = browser.complaints()
    if (complaints.length > 0) throw new Error(`${page.name} complains: ${complaints.join('\n')}`)
    return measured
  } finally {
    await browser.remove()
  }
}

/** Bytes that a first visit brings down, heads and all. `path`: of the page, at that port. */
export async function firstLoad(port: number, path: string): Promise<number> {
  const line = await Downline.to(port)
  const browser = await TestBrowser.start()
  try {
    await browser.page.goto(line.url + path, { waitUntil: 'networkidle' })
    return line.down
  } finally {
    await browser.remove()
    await line.close()
  }
}

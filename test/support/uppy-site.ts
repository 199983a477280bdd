import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { fileURLToPath } from 'node:url'
import { build, type Rollup } from 'vite'
import type { TestBrowser } from './browser.js'

const HTML = `<!doctype html><title>A site with Uppy</title><link rel="icon" href="data:,">
<label>File <input type="file"></label><script src="/uppy.js"></script>`

const CORE = fileURLToPath(import.meta.resolve('@uppy/core'))
const TUS = fileURLToPath(import.meta.resolve('@uppy/tus'))
/** Offers the page's one word: sends a file over four connections and resolves with its URL, as the last answer tells. */
const SCRIPT = `
  import Uppy from ${JSON.stringify(CORE)}
  import Tus from ${JSON.stringify(TUS)}
  globalThis.send = async (data, { endpoint, meta }) => {
    const uppy = new Uppy().use(Tus, { endpoint, parallelUploads: 4 })
    let location
    uppy.on('upload-success', (_, { body }) => (location = body.xhr.getResponseHeader('Content-Location')))
    uppy.addFile({ name: data.name, type: data.type, data, meta })
    const { failed } = await uppy.upload()
    if (failed.length > 0) throw new Error(failed[0].error)
    return location
  }`

/** A site of somebody's own, at an origin of its own, whose page uploads with a stock Uppy. */
export class UppySite {
  private constructor(readonly server: Server) {}

  static async open(): Promise<UppySite> {
    const script = await bundle()
    const server = createServer(({ url }, response) => {
      const [type, body] = url === '/uppy.js' ? ['text/javascript', script] : ['text/html', HTML]
      response.writeHead(200, { 'content-type': type }).end(body)
    }).listen(0, '127.0.0.1')
    await once(server, 'listening')
    return new UppySite(server)
  }

  get origin(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`
  }

  /** Visits the page anew and chooses a file there, with `meta` for its metadata; resolves with the URL that Uppy hears. */
  async send(
    browser: TestBrowser,
    path: string,
    order: { endpoint: string; meta: Record<string, string> },
  ): Promise<string | undefined> {
    await browser.open(this.origin)
    await browser.choose('File', path)
    return browser.page.evaluate(`send(document.querySelector('input').files[0], ${JSON.stringify(order)})`)
  }

  async close(): Promise<void> {
    this.server.closeAllConnections()
    this.server.close()
    await once(this.server, 'close')
  }
}

/** The script with all that it imports, as the site's owner would bundle it. */
async function bundle(): Promise<string> {
  const name = 'virtual:script'
  const script = {
    name,
    resolveId: (id: string) => (id === name ? id : undefined),
    load: (id: string) => (id === name ? SCRIPT : undefined),
  }
  const built = await build({
    configFile: false,
    logLevel: 'warn',
    plugins: [script],
    build: { write: false, rollupOptions: { input: name, output: { format: 'iife' } } },
  })
  return (built as Rollup.RollupOutput).output[0].code
}

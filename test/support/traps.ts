import { pdf } from './pdf.js'

/** A file that would run script, if somebody let it. */
export interface Trap {
  /** The type by which a browser would run it. */
  type: string
  bytes: Buffer
}

/** What a script does that runs: it tells `site`, the console and the page that called it, and leaves marks in its origin. */
function script(site: string, who: string): string {
  return [
    `console.log('ran ${who}')`,
    `fetch('${site}/ran?${who}', { mode: 'no-cors' })`,
    `try { document.title = 'ran ${who}' } catch (none) {}`,
    `try { localStorage.setItem('ran', '${who}') } catch (none) {}`,
    `try { indexedDB.open('ran') } catch (none) {}`,
    `try { postMessage('ran') } catch (none) {}`,
    `self.onconnect = (event) => event.ports[0].postMessage('ran')`,
  ].join('; ')
}

/** Files that are pages, by the kind of page; each says `who` it is when its script runs. */
export const PAGES: Record<string, (site: string, who: string) => Trap> = {
  html: (site, who) => trap('text/html', page(site, who)),
  svg: (site, who) =>
    trap(
      'image/svg+xml',
      `<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9" onload="${script(site, who)}"><script>${script(site, who)}</script></svg>`,
    ),
  xhtml: (site, who) =>
    trap(
      'application/xhtml+xml',
      `<html xmlns="http://www.w3.org/1999/xhtml"><head><title>x</title></head><body><script>${script(site, who)}</script></body></html>`,
    ),
  xml: (site, who) =>
    trap(
      'application/xml',
      `<?xml version="1.0"?><rss xmlns:h="http://www.w3.org/1999/xhtml"><h:script>${script(site, who)}</h:script></rss>`,
    ),
  jpegAndHtml: (site, who) => trap('text/html', Buffer.from('ffd8ffe000104a464946', 'hex'), page(site, who)),
  pngAndHtml: (site, who) => trap('text/html', Buffer.from('89504e470d0a1a0a', 'hex'), page(site, who)),
  pdfAndHtml: (site, who) => trap('text/html', '%PDF-1.4\n', page(site, who)),
  zipAndHtml: (site, who) => trap('text/html', Buffer.from('504b0304', 'hex'), page(site, who)),
}

/** Pages that Chromium runs no script in, wherever they come from. Here they must not become something else. */
export const TAME_PAGES: typeof PAGES = {
  mhtml: (site, who) =>
    trap(
      'multipart/related; boundary=x',
      `MIME-Version: 1.0\r\nContent-Type: multipart/related; boundary="x"\r\n\r\n--x\r\nContent-Type: text/html\r\nContent-Location: http://a/\r\n\r\n${page(site, who)}\r\n--x--\r\n`,
    ),
  // A viewer may run this, in an engine of its own that knows no page.
  pdf: (site, who) => trap('application/pdf', pdf(pdfScript(site, who))),
}

/** Files that are code, which a page of the same origin could call. */
export const CODE: typeof PAGES = {
  js: (site, who) => trap('text/javascript', script(site, who)),
  gifAndJs: (site, who) => trap('text/javascript', `GIF89a=1; ${script(site, who)}`),
  jsonAndJs: (site, who) =>
    trap(
      'text/javascript',
      `[${script(site, who)
        .replaceAll(';', ',')
        .replace(/try \{.*\}/, '0')}]`,
    ),
}

export const STYLES: typeof PAGES = {
  css: (_site, who) => trap('text/css', `:root { --ran: ${who} }`),
}

/**
 * The ways to call files as code or style, each run in a page with their `links`; they resolve with those of them that
 * were taken, when it is known of each.
 */
export const CALLS: Record<string, string> = {
  'a script': element('script', 'src'),
  'a module': element('script', 'src', { type: 'module' }),
  'an import': each(`import(link).then(() => done('ran'), () => done())`),
  'an imported style': each(`import(link, { with: { type: 'css' } }).then(() => done('ran'), () => done())`),
  'a worker': each(listen('new Worker(link)')),
  'a worker of modules': each(listen(`new Worker(link, { type: 'module' })`)),
  'a shared worker': each(`const shared = new SharedWorker(link)
    ;(globalThis.kept ??= []).push(shared) // what nobody holds may be gone before it has failed
    shared.onerror = () => done()
    shared.port.onmessage = () => done('ran')`),
  'a script of a worker': each(
    listen(
      `new Worker(URL.createObjectURL(new Blob(["try { importScripts('" + link + "') } catch { postMessage('') }"])))`,
    ),
  ),
  'a service worker': each(
    `navigator.serviceWorker.register(link).then(async (it) => { await it.unregister(); done('ran') }, () => done())`,
  ),
  'a worklet': each(
    `new OfflineAudioContext(1, 1, 44100).audioWorklet.addModule(link).then(() => done('ran'), () => done())`,
  ),
  'a style sheet': element('link', 'href', { rel: 'stylesheet' }),
}

/** The elements that show a file within a page, as HTML. */
export const FRAMES: Record<string, (link: string) => string> = {
  'a frame': (link) => `<iframe src="${link}"></iframe>`,
  'an object': (link) => `<object data="${link}" type="text/html"></object>`,
  'an embed': (link) => `<embed src="${link}" type="image/svg+xml">`,
}

function pdfScript(site: string, who: string): string {
  const attempts = [
    `app.alert('ran ${who}')`,
    `fetch('${site}/ran?${who}')`,
    `localStorage.setItem('ran', '${who}')`,
    `app.launchURL('${site}/ran?${who}')`,
    `this.submitForm('${site}/ran?${who}')`,
    `this.getURL('${site}/ran?${who}')`,
  ]
  return attempts.map((attempt) => `try { ${attempt} } catch (none) {}`).join('; ')
}

function trap(type: string, ...parts: (Buffer | string)[]): Trap {
  return { type, bytes: Buffer.concat(parts.map((part) => Buffer.from(part as string))) }
}

function page(site: string, who: string): string {
  return `<!doctype html><title>x</title><body onload="${script(site, who)}"><script>${script(site, who)}</script>`
}

/**
 * Tries every link; `attempt` calls `done`, with a word where the link was taken. Of many workers that fail at once
 * Chromium now and then tells nothing: what runs all the same, and says so late, the site hears of.
 */
function each(attempt: string): string {
  return `(links) => Promise.all(links.map((link) => new Promise((done) => {
    setTimeout(done, 10_000)
    try { ${attempt} } catch { done() }
  }).then((taken) => (taken ? [link] : [])))).then((taken) => taken.flat())`
}

function element(tag: string, attribute: string, more: Record<string, string> = {}): string {
  return each(`const element = Object.assign(document.createElement('${tag}'), ${JSON.stringify(more)}, { ${attribute}: link })
    element.onload = () => done('ran')
    element.onerror = () => done()
    document.documentElement.append(element)`)
}

function listen(worker: string): string {
  return `const worker = ${worker}
    worker.onerror = () => done()
    worker.onmessage = ({ data }) => done(data)`
}

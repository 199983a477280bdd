import type { Page, Request, Response } from 'playwright-core'
import { Ranges, type Range } from '#src/spread/ranges.js'

/** What a page sends of files, and what it is told that the server has of them. */
export class PageRequests {
  /** Stretches that have been sent to their place, those that did not arrive among them. */
  pieces: Range[] = []
  /** Transfers of all that is left. */
  patches = 0
  /** What the server said last that it has, in answer to the page's question. */
  there = new Ranges()
  /** Pieces on their way at the same time, now and at most; of one that ends we hear a little later. */
  going = 0
  most = 0

  constructor(page: Page) {
    page.on('request', (request) => this.#begin(request))
    page.on('requestfinished', (request) => this.#end(request))
    page.on('requestfailed', (request) => this.#end(request))
    page.on('response', (response) => this.#hear(response))
  }

  #begin(request: Request): void {
    if (request.method() === 'PATCH') this.patches += 1
    const stretch = stretchOf(request)
    if (!stretch) return
    this.pieces.push(stretch)
    this.most = Math.max(this.most, ++this.going)
  }

  #end(request: Request): void {
    if (stretchOf(request)) this.going -= 1
  }

  #hear(response: Response): void {
    const { 'upload-offset': offset, 'ferry-ahead': ahead } = response.headers()
    if (response.request().method() !== 'HEAD' || ahead === undefined) return
    const ranges = [...ahead.matchAll(/(\d+)-(\d+)/g)]
    this.there = new Ranges([
      { start: 0, end: Number(offset) },
      ...ranges.map(([, start, end]) => ({ start: Number(start), end: Number(end) })),
    ])
  }
}

/** The place of a piece in its file; undefined for any other request. */
function stretchOf(request: Request): Range | undefined {
  const headers = request.headers()
  const [, at] = /(?:^|,)at (\S+?)(?:,|$)/.exec(headers['upload-metadata'] ?? '') ?? []
  if (headers['upload-concat'] !== 'partial' || at === undefined) return undefined
  const start = Number(atob(at))
  return { start, end: start + Number(headers['upload-length']) }
}

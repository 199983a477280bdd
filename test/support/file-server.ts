import { once } from 'node:events'
import { type IncomingMessage, type ServerResponse, createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { onTestFinished } from 'vitest'

/** What a file server has to give. */
export interface Offer {
  bytes: Buffer
  etag?: string
  /** Whether it knows ranges; default: it does. */
  ranges?: boolean
}

/** A plain file server, not ferry's, that answers what a test tells it to. It goes with the test. */
export class FileServer {
  /** Every request, in order. */
  readonly asked: IncomingMessage[] = []
  readonly #answer: (request: IncomingMessage, response: ServerResponse) => void
  #url = ''

  static async start(answer: (request: IncomingMessage, response: ServerResponse) => void) {
    const fake = new FileServer(answer)
    const server = createServer((request, response) => {
      fake.asked.push(request)
      fake.#answer(request, response)
    }).listen(0, '127.0.0.1')
    await once(server, 'listening')
    fake.#url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    onTestFinished(() => {
      server.closeAllConnections()
      server.close()
    })
    return fake
  }

  private constructor(answer: (request: IncomingMessage, response: ServerResponse) => void) {
    this.#answer = answer
  }

  get url(): string {
    return this.#url
  }
}

/** Answers HEAD and GET, with a range where it is asked for and If-Range allows it; sends at most `limit` bytes. */
export function offer(
  request: IncomingMessage,
  response: ServerResponse,
  { bytes, etag, ranges = true }: Offer,
  limit = Infinity,
): void {
  const { range, 'if-range': condition } = request.headers
  const [, first, last] = /^bytes=(\d+)-(\d+)$/.exec(range ?? '') ?? []
  const isPart = ranges && first !== undefined && (condition === undefined || condition === etag)
  const [start, end] = isPart ? [Number(first), Number(last) + 1] : [0, bytes.length]
  response.writeHead(isPart ? 206 : 200, {
    'content-length': end - start,
    ...(etag !== undefined && { etag }),
    ...(ranges && { 'accept-ranges': 'bytes' }),
    ...(isPart && { 'content-range': `bytes ${start}-${end - 1}/${bytes.length}` }),
  })
  if (request.method === 'HEAD') return void response.end()
  const body = bytes.subarray(start, Math.min(end, start + limit))
  response.write(body, () => (body.length < end - start ? response.destroy() : response.end()))
}

import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { type IncomingMessage, type Server, type ServerResponse, createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

/** A handler that answers a request itself (true), or leaves it to the fake (false). */
export type Intercept = (request: IncomingMessage, response: ServerResponse) => boolean

export interface FakeUpload {
  md5: string
  size: number
  client: string
  bytes: Buffer
}

/** A server that speaks just enough of ferry's protocol, and lies where a test tells it to. */
export class FakeFerry {
  readonly uploads = new Map<string, FakeUpload>()
  readonly shelf = new Map<string, Buffer>()
  /** `METHOD /path` of every request, in order. */
  readonly log: string[] = []
  intercept: Intercept = () => false
  readonly #server: Server
  #nextId = 1

  static async start(port = 0): Promise<FakeFerry> {
    const fake = new FakeFerry()
    fake.#server.listen(port, '127.0.0.1')
    await once(fake.#server, 'listening')
    return fake
  }

  private constructor() {
    this.#server = createServer((request, response) => {
      this.log.push(`${request.method} ${request.url}`)
      if (!this.intercept(request, response)) void this.#answer(request, response)
    })
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise((resolve) => this.#server.close(resolve))
  }

  #answer(request: IncomingMessage, response: ServerResponse): void | Promise<void> {
    const url = new URL(request.url ?? '/', this.url)
    if (url.pathname === '/check') return this.#check(url, request, response)
    if (url.pathname === '/tus') return this.#create(request, response)
    const upload = this.uploads.get(url.pathname.replace('/tus/', ''))
    if (!upload) return void response.writeHead(404).end()
    return request.method === 'HEAD' ? this.#head(upload, response) : this.#append(upload, request, response)
  }

  #check(url: URL, request: IncomingMessage, response: ServerResponse): void {
    const md5 = url.searchParams.get('md5') ?? ''
    const open = [...this.uploads.values()].find(
      (upload) => upload.md5 === md5 && upload.bytes.length < upload.size,
    )
    const mine = open && open.client === request.headers['ferry-client']
    if (this.shelf.has(md5))
      return reply(response, 200, { status: 'exists', url: `${this.url}/files/${md5}.bin` })
    if (!open) return reply(response, 200, { status: 'notfound' })
    const { size, bytes } = open
    reply(response, 200, {
      status: 'uploading',
      offset: bytes.length,
      size,
      ...(mine && { resumable: true }),
    })
  }

  #create(request: IncomingMessage, response: ServerResponse): void {
    const metadata = Object.fromEntries(
      String(request.headers['upload-metadata'])
        .split(',')
        .map((pair) => {
          const [key, value] = pair.split(' ')
          return [key, Buffer.from(value ?? '', 'base64').toString()]
        }),
    )
    const { md5, client } = metadata
    const size = Number(request.headers['upload-length'])
    const open = [...this.uploads].find(([, upload]) => upload.md5 === md5 && upload.client === client)
    const id = open?.[0] ?? `${this.#nextId++}`
    if (!open) this.uploads.set(id, { md5, client, size, bytes: Buffer.alloc(0) })
    if (size === 0) this.shelf.set(md5, Buffer.alloc(0))
    response.writeHead(201, { location: `/tus/${id}`, 'tus-resumable': '1.0.0' }).end()
  }

  #head({ bytes, size }: FakeUpload, response: ServerResponse): void {
    response
      .writeHead(200, { 'upload-offset': bytes.length, 'upload-length': size, 'tus-resumable': '1.0.0' })
      .end()
  }

  async #append(upload: FakeUpload, request: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      for await (const chunk of request) upload.bytes = Buffer.concat([upload.bytes, chunk as Buffer])
    } catch {
      return
    }
    if (upload.bytes.length < upload.size) return void response.destroy()
    if (createHash('md5').update(upload.bytes).digest('hex') !== upload.md5) {
      for (const [id, other] of this.uploads) if (other === upload) this.uploads.delete(id)
      return void response.writeHead(460).end('checksum mismatch')
    }
    this.shelf.set(upload.md5, upload.bytes)
    response.writeHead(204, { 'upload-offset': upload.size, 'tus-resumable': '1.0.0' }).end()
  }
}

function reply(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
}

import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { extname, join } from 'node:path'
import { promisify } from 'node:util'
import { brotliCompress } from 'node:zlib'

const TYPES: Record<string, string> = { '.html': 'text/html', '.js': 'text/javascript', '.css': 'text/css' }

/** Hands out what the bench has built, compressed as well as can be, as a site would. */
export class Site {
  private constructor(readonly server: Server) {}

  static async of(folder: string): Promise<Site> {
    const server = createServer((request, response) => {
      const { pathname } = new URL(request.url!, 'http://site')
      const name = pathname.endsWith('/') ? `${pathname}index.html` : pathname
      const type = TYPES[extname(name)] ?? 'application/octet-stream'
      readFile(join(folder, name))
        .then(promisify(brotliCompress))
        .then(
          (bytes) => response.writeHead(200, { 'content-type': type, 'content-encoding': 'br' }).end(bytes),
          () => response.writeHead(404).end(),
        )
    }).listen(0, '127.0.0.1')
    await once(server, 'listening')
    return new Site(server)
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`
  }

  close(): void {
    this.server.closeAllConnections()
    this.server.close()
  }
}

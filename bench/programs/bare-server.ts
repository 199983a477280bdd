/**
 * `bare-server.ts PORT FOLDER`: the least that takes bytes and knows their MD5. PUT /NAME?offset=N pipes the body into a
 * file at that place and hashes it inline; nothing is synced, checked or kept for a restart.
 */
import { createHash, type Hash } from 'node:crypto'
import { createWriteStream } from 'node:fs'
import { createServer } from 'node:http'
import { join } from 'node:path'
import { Transform } from 'node:stream'
import { pipeline } from 'node:stream/promises'

const [port, folder] = process.argv.slice(2)
const hashes = new Map<string, Hash>()

createServer((request, response) => {
  const { pathname, searchParams } = new URL(request.url!, 'http://bare')
  const start = Number(searchParams.get('offset'))
  const hash = hashes.get(pathname) ?? createHash('md5')
  hashes.set(pathname, hash)
  const hashing = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      hash.update(chunk)
      done(undefined, chunk)
    },
  })
  const file = createWriteStream(join(folder!, pathname), { flags: start === 0 ? 'w' : 'r+', start })
  pipeline(request, hashing, file).then(
    () => response.end(hash.copy().digest('hex')),
    (error: unknown) => response.writeHead(500).end(String(error)),
  )
}).listen(Number(port), '127.0.0.1')

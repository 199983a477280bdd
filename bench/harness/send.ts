import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { Agent, request, type IncomingMessage } from 'node:http'

const BLOCK = randomBytes(4 * 1024 * 1024)
const TUS = { 'Tus-Resumable': '1.0.0' }

/** An answer, and how long it took from the last byte on, in seconds. */
export interface Sent {
  status: number
  location: string | undefined
  afterLast: number
}

/**
 * Sends so many bytes. They are the same ones again and again, but for the first 16, so that no two bodies are one
 * content. Throws where the answer is no success.
 */
export async function send(
  method: string,
  url: string,
  headers: Record<string, string | number>,
  bytes: number,
  { agent, mark }: { agent?: Agent; mark?: Buffer } = {},
): Promise<Sent> {
  const outgoing = request(url, {
    method,
    headers: { ...headers, 'Content-Length': bytes },
    ...(agent && { agent }),
  })
  const answered = once(outgoing, 'response') as Promise<[IncomingMessage]>
  answered.catch(() => undefined)
  for (let left = bytes; left > 0;) {
    const piece = left === bytes && mark ? mark : BLOCK.subarray(mark && left === bytes - 16 ? 16 : 0)
    const chunk = piece.subarray(0, Math.min(piece.length, left))
    left -= chunk.length
    if (!outgoing.write(chunk) && left > 0) await once(outgoing, 'drain')
  }
  const last = performance.now()
  outgoing.end()
  const [response] = await answered
  const afterLast = (performance.now() - last) / 1000
  response.resume()
  await once(response, 'end')
  const { statusCode: status = 0 } = response
  if (status >= 300) throw new Error(`${method} ${url}: ${status}`)
  return { status, location: response.headers.location, afterLast }
}

/**
 * One tus upload of so many bytes that nobody has seen, in PATCHes of `piece` bytes. The last one's answer. `remove`: its
 * last byte is kept back and the upload ended, so that nothing stays.
 */
export async function sendTus(
  endpoint: string,
  bytes: number,
  piece = bytes,
  { remove = false }: { remove?: boolean } = {},
): Promise<Sent> {
  const agent = new Agent({ keepAlive: true })
  try {
    const created = await send('POST', endpoint, { ...TUS, 'Upload-Length': remove ? bytes + 1 : bytes }, 0, {
      agent,
    })
    const url = new URL(created.location!, endpoint).href
    let sent = created
    for (let at = 0; at < bytes; at += piece) {
      const headers = { ...TUS, 'Upload-Offset': at, 'Content-Type': 'application/offset+octet-stream' }
      const options = at === 0 ? { agent, mark: randomBytes(16) } : { agent }
      sent = await send('PATCH', url, headers, Math.min(piece, bytes - at), options)
    }
    if (remove) await send('DELETE', url, TUS, 0, { agent })
    return sent
  } finally {
    agent.destroy()
  }
}

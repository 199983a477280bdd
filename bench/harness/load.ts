import { once } from 'node:events'
import { createConnection, type Socket } from 'node:net'
import { median } from './numbers.js'

/** What a load of requests has seen. Milliseconds. */
export interface Load {
  perSecond: number
  middle: number
  p99: number
}

/**
 * Asks for `path(n)` on so many connections for so many seconds, each asking again when it is answered. Raw sockets: an HTTP
 * client would be the slower part. Throws where an answer is not 200.
 */
export async function load(
  port: number,
  path: (n: number) => string,
  { connections, seconds }: { connections: number; seconds: number },
): Promise<Load> {
  const times: number[] = []
  const end = performance.now() + seconds * 1000
  let n = 0
  const start = performance.now()
  await Promise.all(
    Array.from({ length: connections }, async () => {
      const socket = createConnection(port, '127.0.0.1').setNoDelay(true)
      await once(socket, 'connect')
      const answers = answersOf(socket)
      while (performance.now() < end) {
        const asked = performance.now()
        socket.write(`GET ${path((n += 1))} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n\r\n`)
        const { value: head = '' } = await answers.next()
        if (!head.startsWith('HTTP/1.1 200')) throw new Error(head.split('\r\n')[0] || 'hung up')
        times.push(performance.now() - asked)
      }
      socket.destroy()
    }),
  )
  const sorted = Float64Array.from(times).sort()
  return {
    perSecond: (times.length / (performance.now() - start)) * 1000,
    middle: median([...sorted]),
    p99: sorted[Math.floor(sorted.length * 0.99)]!,
  }
}

/** The heads of answers whose bodies have come, too. */
async function* answersOf(socket: Socket): AsyncGenerator<string, undefined> {
  let text = ''
  for await (const chunk of socket) {
    text += (chunk as Buffer).toString('latin1')
    for (;;) {
      const end = text.indexOf('\r\n\r\n')
      if (end < 0) break
      const length = Number(/content-length: (\d+)/i.exec(text.slice(0, end))?.[1] ?? 0)
      if (text.length < end + 4 + length) break
      const head = text.slice(0, end)
      text = text.slice(end + 4 + length)
      yield head
    }
  }
  return undefined
}

import { ERRORS, type CancellationContext, type Server, type Upload } from '@tus/server'
import type { IncomingMessage } from 'node:http'
import { finished, PassThrough } from 'node:stream'
import type { IntakeStore } from './store.js'

/** Bytes on their way from the connection to the part. */
const AHEAD = 64 * 1024

/**
 * Has the library hand bodies to the store as they come. Its own way leads through two web streams, which copy every chunk
 * and make as much garbage as the body is long. What it does besides stays: the request is not destroyed with the write, so
 * that an error can be answered; who is asked to leave ends where he is; a line that breaks is `ABORTED`. What it does not do
 * is wait: its pipeline gives up with the source or the disk, and the lock is given back while the store still writes. The
 * size is limited by the intake. `server` must get its requests from `withOwnBody`.
 */
export function takeBodies(server: Server, store: IntakeStore): void {
  const writeToStore = (
    body: IncomingMessage,
    { id, offset }: Upload,
    _most: number,
    { signal }: CancellationContext,
  ) => write(body, signal, (source) => store.write(source, id, offset))
  Object.assign(server.handlers.PATCH, { writeToStore })
  Object.assign(server.handlers.POST, { writeToStore })
}

/** The request as the library takes it, with its body left as it is. */
export function withOwnBody<T extends object>(request: T, body: IncomingMessage): T {
  return Object.defineProperty(request, 'body', { value: body })
}

async function write(
  body: IncomingMessage,
  signal: AbortSignal,
  store: (source: PassThrough) => Promise<number>,
): Promise<number> {
  if (signal.aborted) throw ERRORS.ABORTED
  const source = new PassThrough({ highWaterMark: AHEAD })
  let lost: Error | undefined
  const leave = (): void => {
    body.unpipe(source)
    if (!source.destroyed) source.end()
  }
  const forget = finished(body, { writable: false }, (error) => {
    if (!error) return
    lost = error
    body.unpipe(source)
    if (!signal.aborted) source.destroy(error)
  })
  signal.addEventListener('abort', leave, { once: true })
  try {
    return await store(body.pipe(source))
  } catch (error) {
    throw error === lost ? ERRORS.ABORTED : error
  } finally {
    body.unpipe(source)
    signal.removeEventListener('abort', leave)
    forget()
  }
}

import {
  type DetailedError,
  type HttpRequest,
  type HttpResponse,
  Upload,
  type UploadOptions,
} from 'tus-js-client'
import { HEADERS } from '../src/contract.js'
import { ClientError, systemCodeOf } from './errors.js'
import type { LocalFile } from './local-file.js'
import { asReply, problemOf } from './reply.js'
import type { Way } from './net/way.js'
import { ShortAnswers } from './short-answers.js'
import { StallTimer } from './stall.js'
import type { Valve } from './sending/valve.js'
import { FileSource, type Through } from './source.js'

export interface Transfer {
  file: LocalFile
  /** An upload on the server that is ours, with any number of bytes in it. */
  uploadUrl: string
  signal: AbortSignal
  /** What the file's bytes have to pass. */
  valve?: Valve | undefined
  /** At most so many bytes in one request. */
  chunkSize?: number | undefined
  /** How requests get out; undefined: directly. */
  way?: Way | undefined
  /** Without a byte moved for so long, the attempt is over. */
  stallMs: number
  /** Asks the server how many bytes it has by now. */
  askOffset: () => Promise<number>
  /** The server's HEAD tells how many bytes it holds: the transfer begins there. */
  onBegin: (offset: number) => void
  /** That also tells that it takes pieces of the upload, over several connections. */
  onPieces?: () => void
  /** Its answer to a PATCH tells how many it holds now. */
  onConfirmed: (offset: number) => void
  /** The bytes on their way or there. */
  onProgress: (bytes: number) => void
}

/**
 * Sends the rest of the file, from the server's offset. One attempt: whoever calls decides about the next one.
 * Resolves when the server says it has everything, which proves nothing yet. Throws ClientErrors or the signal's reason.
 */
export function transfer(order: Transfer): Promise<void> {
  const { promise, resolve, reject } = withResolvers()
  const stall = new StallTimer(order.stallMs, order.askOffset, reject)
  const { valve } = order
  // Bytes that we hold back are no stall.
  const through: Through | undefined =
    valve && ((bytes, position) => valve.through(bytes, position, () => stall.reset()))
  const source = new FileSource(order.file, reject, through)
  const upload = new Upload(asInput(source), {
    ...optionsOf(order, source),
    onProgress: (bytes) => {
      stall.reset()
      order.onProgress(bytes)
    },
    onSuccess: () => resolve(),
    onError: (error) => reject(translate(error)),
  })
  const onAbort = () => reject(order.signal.reason)
  order.signal.addEventListener('abort', onAbort)
  if (order.signal.aborted) onAbort()
  else upload.start()
  return promise.finally(() => {
    order.signal.removeEventListener('abort', onAbort)
    stall.stop()
    source.close()
    void upload.abort()
  })
}

/** Neither retries nor an endpoint: else the library would quietly start from zero after any bad answer to its HEAD. */
function optionsOf(order: Transfer, source: FileSource): UploadOptions {
  return {
    uploadUrl: order.uploadUrl,
    retryDelays: null,
    ...(order.chunkSize !== undefined && { chunkSize: order.chunkSize }),
    ...(order.way && { headers: order.way.headersFor(order.uploadUrl) }),
    httpStack: new ShortAnswers(order.way && { agent: order.way.agentFor(order.uploadUrl) }),
    storeFingerprintForResuming: false,
    fingerprint: () => Promise.resolve(''),
    fileReader: { openFile: () => Promise.resolve(source) },
    onAfterResponse: offsetWatch(order),
  }
}

/** Checks what the library takes on trust: the length is ours, and each PATCH brings the offset forward. */
function offsetWatch({ file, onBegin, onPieces, onConfirmed }: Transfer) {
  let offset: number | undefined
  return (request: HttpRequest, response: HttpResponse): void => {
    if (response.getStatus() >= 300) return
    const before = offset
    offset = Number(response.getHeader('Upload-Offset'))
    const length = response.getHeader('Upload-Length') ?? `${file.size}`
    const isForward = before === undefined || offset > before
    if (!(offset >= 0 && offset <= file.size) || Number(length) !== file.size || !isForward)
      throw new ClientError('server-trouble', {
        status: response.getStatus(),
        reason: `offset ${offset}/${length}`,
      })
    if (request.getMethod() !== 'HEAD') return onConfirmed(offset)
    if (response.getHeader(HEADERS.ahead) !== undefined) onPieces?.()
    onBegin(offset)
  }
}

function translate(error: Error | DetailedError): unknown {
  if (!('originalRequest' in error)) return error
  const { originalResponse: response, causingError } = error
  if (causingError instanceof ClientError) return causingError
  if (!response) {
    const reason = systemCodeOf(causingError) ?? causingError?.message ?? error.message
    return new ClientError('line-down', { reason }, { cause: error })
  }
  return problemOf(asReply(response.getStatus(), (name) => response.getHeader(name), response.getBody()))
}

/** The library wants some input before it asks our reader for a source. */
function asInput(source: FileSource): Buffer {
  return source as unknown as Buffer
}

function withResolvers() {
  let resolve!: () => void
  let reject!: (error: unknown) => void
  const promise = new Promise<void>((yes, no) => {
    resolve = yes
    reject = no
  })
  return { promise, resolve, reject }
}

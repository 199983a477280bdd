import { type DetailedError, Upload } from 'tus-js-client'
import { HEADERS } from '../../src/contract.js'
import { parseAhead } from '../../src/spread/ahead.js'
import type { Range } from '../../src/spread/ranges.js'
import { HeldFile } from './held-file.js'
import { Problem, problemOf } from './problem.js'
import { assertReadable } from './readable.js'

/** Without a byte moved for so long, an attempt is over. */
const STALL_MS = 15_000
/** The same when all has been sent and the server is to store it. */
const ANSWER_MS = 60_000

export interface Transfer {
  readonly file: Blob
  readonly url: string
  readonly headers: Record<string, string>
  /** The most that goes in one request, in bytes. */
  readonly largest: number
  /** The last bytes wait for it. */
  readonly mayEnd: () => Promise<unknown>
  readonly signal: AbortSignal
  /**
   * The server has told how many bytes it holds: the transfer goes on from there. `ahead`: what it has beyond that;
   * undefined where it takes no pieces.
   */
  onBegin(offset: number, ahead: Range[] | undefined): void
  /** Bytes there or on their way. */
  onProgress(bytes: number): void
}

/**
 * Sends the rest of a file, from the server's offset, in one attempt. Resolves when the server says it has everything.
 * Throws Problems, or the signal's reason.
 */
export function transfer(order: Transfer): Promise<void> {
  const { file, url, headers, largest, signal } = order
  return new Promise<void>((resolve, reject) => {
    let timer: ReturnType<typeof setTimeout> | undefined
    const watch = (ms: number): void => {
      clearTimeout(timer)
      timer = setTimeout(() => end(() => reject(new Problem('silent'))), ms)
    }
    // Bytes that we hold back ourselves are no silence.
    const mayEnd = async (): Promise<void> => {
      clearTimeout(timer)
      await order.mayEnd()
      watch(STALL_MS)
    }
    const held = new HeldFile(file, largest, mayEnd)
    const upload = new Upload(file, {
      uploadUrl: url,
      // Neither an endpoint nor retries: the library would quietly begin from zero after any bad answer.
      retryDelays: null,
      storeFingerprintForResuming: false,
      fileReader: { openFile: () => Promise.resolve(held) },
      headers,
      onAfterResponse: (request, response) => {
        watch(STALL_MS)
        const offset = Number(response.getHeader('Upload-Offset') ?? NaN)
        const isAnswer = response.getStatus() === 200 && !Number.isNaN(offset)
        if (request.getMethod() === 'HEAD' && isAnswer)
          order.onBegin(offset, parseAhead(response.getHeader(HEADERS.ahead)))
      },
      onProgress: (bytes) => {
        watch(bytes === file.size ? ANSWER_MS : STALL_MS)
        order.onProgress(bytes)
      },
      onSuccess: () => end(resolve),
      onError: (error) => {
        // Read before the end aborts the request, which takes its answer away.
        const refused = refuse(error, file)
        end(() => resolve(refused))
      },
    })
    const leave = (): void => end(() => reject(signal.reason as Error))
    const end = (settle: () => void): void => {
      clearTimeout(timer)
      signal.removeEventListener('abort', leave)
      void upload.abort()
      settle()
    }
    signal.addEventListener('abort', leave)
    if (signal.aborted) return leave()
    watch(STALL_MS)
    upload.start()
  })
}

/** Throws what the library's error means. */
async function refuse(error: Error | DetailedError, file: Blob): Promise<never> {
  const response = 'originalRequest' in error ? error.originalResponse : null
  if (response) {
    // A page of some proxy: the line's doing, and it will pass.
    if (response.getStatus() < 300) throw new Problem('busy', error.message)
    throw problemOf({
      status: response.getStatus(),
      header: (name) => response.getHeader(name) ?? null,
      body: response.getBody(),
    })
  }
  await assertReadable(file)
  throw new Problem('unreachable', error.message)
}

import { DetailedError, Upload, type UploadOptions } from 'tus-js-client'
import { pause } from '../support/server.js'
import { formBytes, filePart, post } from '../support/form.js'
import { sendByPieces } from './pieces.js'
import { bytesOf, type Random, type Specimen } from './random.js'
import type { Witness } from './witness.js'

/** Milliseconds between two tries of a sender. */
const AGAIN = 150

export interface Sending {
  /** Where to, `http://host:port`. */
  server: string
  witness: Witness
  /** No further tries after this. */
  signal?: AbortSignal
  /** Hears the status of every answer. */
  heard?: (status: number) => void
}

/**
 * A stock tus-js-client that sends one file, patient with every fault; each acknowledgement goes to the witness.
 * Resolves with true when it reported success, false when it was called off or gave up.
 */
export async function sendByTus(
  file: Specimen,
  { server, witness, signal, heard }: Sending,
  { declared = true, ...options }: Partial<UploadOptions> & { declared?: boolean } = {},
): Promise<boolean> {
  return new Promise((resolve) => {
    const upload = new Upload(bytesOf(file), {
      endpoint: `${server}/tus`,
      uploadSize: file.size,
      metadata: { filename: file.filename, ...(declared ? { md5: file.md5 } : {}) },
      retryDelays: Array.from({ length: 400 }, () => AGAIN),
      onShouldRetry: () => !signal?.aborted,
      onAfterResponse: (request, response) => {
        const offset = Number(response.getHeader('Upload-Offset') ?? NaN)
        const method = request.getMethod()
        const location = response.getHeader('Location')
        const status = response.getStatus()
        heard?.(status)
        if (method === 'POST' && status === 201 && location)
          witness.offset(new URL(location, server).href, file, 0)
        const acknowledges = ['PATCH', 'HEAD'].includes(method) && status < 300
        if (acknowledges && Number.isFinite(offset)) witness.offset(request.getURL(), file, offset)
        if ([404, 410, 460].includes(status)) witness.ended(request.getURL(), `${status} to ${method}`)
      },
      onError: () => resolve(false),
      onSuccess: () => {
        witness.success(file, upload.url ?? undefined)
        resolve(true)
      },
      ...options,
    })
    signal?.addEventListener('abort', () => {
      void upload.abort().finally(() => resolve(false))
    })
    upload.start()
  })
}

/** A form, posted again until it is stored; resolves with false when it was called off. */
export async function sendByForm(
  file: Specimen,
  { server, witness, signal, heard }: Sending,
  { declared = true }: { declared?: boolean } = {},
): Promise<boolean> {
  const form = formBytes({ head: filePart(file.filename), body: bytesOf(file) })
  const query = declared ? { md5: file.md5 } : {}
  for (;;) {
    if (signal?.aborted) return false
    const { status, reply } = await post(server, form, { query }).catch(() => ({ status: 0, reply: {} }))
    if (status > 0) heard?.(status)
    if (status === 200 && ['ok', 'exists'].includes(String((reply as { status: unknown }).status))) {
      witness.success(file)
      return true
    }
    await pause(AGAIN)
  }
}

/** A stock tus-js-client that goes on with an interrupted upload; rejects where it can't finish. */
export async function finishByTus(
  url: string,
  file: Specimen,
  options: Pick<UploadOptions, 'uploadLengthDeferred'> = {},
): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    new Upload(bytesOf(file), {
      uploadUrl: url,
      uploadSize: file.size,
      retryDelays: Array.from({ length: 20 }, () => 500),
      // Without an endpoint it can't quietly begin anew.
      onError: (error) =>
        reject(new Error(error instanceof DetailedError ? error.message.slice(0, 200) : String(error))),
      onSuccess: () => resolve(),
      ...options,
    }).start()
  })
}

/** What a sender who goes on and on is like. Shares in percent. */
export interface Habits {
  /** Bytes of its largest files. */
  largest: number
  forms: number
  /** Of those that are no forms: sent in placed pieces over several connections. */
  pieces: number
  declared: number
  chunkSizes: number[]
}

/** One sender: file after file, until it is called off. */
export async function sendOn(sending: Sending, random: Random, habits: Habits): Promise<void> {
  while (!sending.signal?.aborted) {
    const file = random.specimen(habits.largest)
    const declared = random.percent(habits.declared)
    if (random.percent(habits.forms)) await sendByForm(file, sending, { declared })
    else if (random.percent(habits.pieces)) await sendByPieces(file, sending, random.fork(), { declared })
    else await sendByTus(file, sending, { declared, chunkSize: random.pick(habits.chunkSizes) })
  }
}

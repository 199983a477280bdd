import { createHash, randomBytes } from 'node:crypto'
import { Readable } from 'node:stream'
import { Upload, type UploadOptions } from 'tus-js-client'

export function md5(bytes: Uint8Array): string {
  return createHash('md5').update(bytes).digest('hex')
}

/** New content that no test has seen, with its MD5. */
export function content(bytes: number): { bytes: Buffer; md5: string } {
  const random = randomBytes(bytes)
  return { bytes: random, md5: md5(random) }
}

/** `Upload-Metadata` (tus 1.0, creation extension). */
export function metadata(entries: Record<string, string>): string {
  return Object.entries(entries)
    .map(([key, value]) => `${key} ${Buffer.from(value).toString('base64')}`)
    .join(',')
}

const TUS = { 'Tus-Resumable': '1.0.0' }

/** Plain tus requests, one by one, as curl would make them. */
export const tus = {
  create: (
    server: string,
    size: number | undefined,
    claim: Record<string, string> = {},
    init: RequestInit = {},
  ) =>
    fetch(`${server}/tus`, {
      method: 'POST',
      ...init,
      headers: {
        ...TUS,
        ...(size === undefined ? { 'Upload-Defer-Length': '1' } : { 'Upload-Length': String(size) }),
        ...(Object.keys(claim).length > 0 ? { 'Upload-Metadata': metadata(claim) } : {}),
        ...(init.headers as Record<string, string>),
      },
    }),
  head: (url: string) => fetch(url, { method: 'HEAD', headers: TUS }),
  patch: (
    url: string,
    offset: number,
    body: Uint8Array | ReadableStream,
    headers: Record<string, string> = {},
  ) =>
    fetch(url, {
      method: 'PATCH',
      headers: {
        ...TUS,
        'Upload-Offset': String(offset),
        'Content-Type': 'application/offset+octet-stream',
        ...headers,
      },
      body,
      duplex: 'half',
    }),
  /** Opens a piece of the upload `whole`, a URL, for its bytes from `at` on; with bytes that come along, where there are any. */
  place: (server: string, whole: string, at: number, size: number, body?: Uint8Array) =>
    fetch(`${server}/tus`, {
      method: 'POST',
      headers: {
        ...TUS,
        'Upload-Concat': 'partial',
        'Upload-Length': String(size),
        'Upload-Metadata': metadata({ of: whole.split('/').at(-1)!, at: String(at) }),
        ...(body ? { 'Content-Type': 'application/offset+octet-stream' } : {}),
      },
      body: body ?? null,
    }),
  terminate: (url: string) => fetch(url, { method: 'DELETE', headers: TUS }),
  /** Where the answer to a creation points to. */
  location: (server: string, response: Response) => new URL(response.headers.get('location')!, server).href,
}

/** The offset that HEAD tells. */
export async function offsetOf(url: string): Promise<number> {
  return Number((await tus.head(url)).headers.get('upload-offset'))
}

/** A stock tus-js-client uploading from memory; resolves with the Content-Location, if the server sent one. */
export async function stockUpload(
  server: string,
  bytes: Buffer,
  options: Partial<UploadOptions> = {},
): Promise<{ url: string; location: string | undefined; upload: Upload }> {
  let location: string | undefined
  return new Promise((resolve, reject) => {
    const upload = new Upload(Readable.from(slices(bytes), { objectMode: false }), {
      endpoint: `${server}/tus`,
      uploadSize: bytes.length,
      chunkSize: Math.max(bytes.length, 1),
      retryDelays: [0, 200, 500, 1000],
      onAfterResponse: (_request, response) =>
        void (location = response.getHeader('Content-Location') ?? location),
      onError: reject,
      onSuccess: () => resolve({ url: upload.url!, location, upload }),
      ...options,
    })
    upload.start()
  })
}

function* slices(bytes: Buffer): Generator<Buffer> {
  for (let at = 0; at < bytes.length; at += 65_536) yield bytes.subarray(at, at + 65_536)
}

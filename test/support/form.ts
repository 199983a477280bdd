import { request, type IncomingHttpHeaders } from 'node:http'
import { Readable } from 'node:stream'

export const BOUNDARY = 'ferry-test-boundary'
export const FORM_TYPE = `multipart/form-data; boundary=${BOUNDARY}`

export interface FormPart {
  /** The part's head in full, without the empty line; default: what curl writes for the field `file`. */
  head?: string
  body: Buffer | string
}

/** A multipart form in bytes, to be sent whole, cut or changed. */
export function formBytes(...parts: FormPart[]): Buffer {
  return Buffer.concat([
    ...parts.flatMap(({ head = filePart('a.bin'), body }) => [
      Buffer.from(`--${BOUNDARY}\r\n${head}\r\n\r\n`),
      Buffer.from(body),
      Buffer.from('\r\n'),
    ]),
    Buffer.from(`--${BOUNDARY}--\r\n`),
  ])
}

/** The head of a part with a file, `name` as it comes. */
export function filePart(name: string, field = 'file'): string {
  return `Content-Disposition: form-data; name="${field}"; filename="${name}"\r\nContent-Type: application/octet-stream`
}

/** The head of a part with a text. */
export function textPart(field: string): string {
  return `Content-Disposition: form-data; name="${field}"`
}

export interface Answer {
  status: number
  headers: IncomingHttpHeaders
  body: Buffer
}

interface Asked {
  method?: string
  headers?: Record<string, string>
  body?: Buffer | Iterable<Buffer> | AsyncIterable<Buffer>
}

/**
 * One request with exactly this path and these headers, on a connection of its own; nothing is tidied up. Undefined
 * where the connection ends without an answer.
 */
export function ask(
  server: string,
  path: string,
  { method = 'GET', headers = {}, body }: Asked = {},
): Promise<Answer | undefined> {
  return new Promise((resolve) => {
    const sent = request(server, { path, method, headers, agent: false })
    sent.on('response', (response) => {
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.on('error', () => resolve(undefined))
      response.on('end', () => {
        resolve({ status: response.statusCode!, headers: response.headers, body: Buffer.concat(chunks) })
        sent.destroy() // whatever of the body is left
      })
    })
    sent.on('error', () => resolve(undefined))
    sent.flushHeaders()
    if (body === undefined || Buffer.isBuffer(body)) sent.end(body)
    else
      Readable.from(body)
        .on('error', () => sent.destroy())
        .pipe(sent)
  })
}

/** Sends a form to /upload; `reply` is the answer's JSON. A connection that just ends has status 0. */
export async function post(
  server: string,
  form: Asked['body'],
  { query = {}, headers = {} }: { query?: Record<string, string>; headers?: Record<string, string> } = {},
): Promise<{ status: number; reply: Record<string, unknown> }> {
  const answer = await ask(server, `/upload?${new URLSearchParams(query).toString()}`, {
    method: 'POST',
    headers: {
      'content-type': FORM_TYPE,
      ...(Buffer.isBuffer(form) ? { 'content-length': String(form.length) } : {}),
      ...headers,
    },
    ...(form ? { body: form } : {}),
  })
  return answer
    ? { status: answer.status, reply: JSON.parse(answer.body.toString()) as Record<string, unknown> }
    : { status: 0, reply: {} }
}

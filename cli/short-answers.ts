import type { ClientRequest, IncomingMessage } from 'node:http'
import { DefaultHttpStack, type HttpRequest, type HttpResponse } from 'tus-js-client'
import { ClientError } from './errors.js'
import { MAX_BODY_BYTES } from './request.js'

/** The library's way to send requests, but no answer fills our memory: the library would gather all of its body. */
export class ShortAnswers extends DefaultHttpStack {
  override createRequest(method: string, url: string): HttpRequest {
    const request = super.createRequest(method, url)
    const send = request.send.bind(request) as (body?: unknown) => Promise<HttpResponse>
    return Object.assign(request, {
      send: (body?: unknown) => {
        const answer = send(body)
        const outgoing = request.getUnderlyingObject() as ClientRequest
        return Promise.race([answer, tooLong(outgoing)])
      },
    })
  }
}

/** Ends the exchange, and rejects, when its answer is longer than any of ours. */
function tooLong(outgoing: ClientRequest): Promise<never> {
  return new Promise((_resolve, reject) => {
    outgoing.on('response', (response: IncomingMessage) => {
      let size = 0
      response.on('data', (chunk: Buffer) => {
        if ((size += chunk.length) <= MAX_BODY_BYTES) return
        outgoing.destroy()
        reject(new ClientError('line-down', { reason: `HTTP ${response.statusCode}` }))
      })
    })
  })
}

import { Problem, type Refused } from './problem.js'
import { assertReadable } from './readable.js'

interface Posting {
  readonly headers: Record<string, string>
  readonly body: Blob
  readonly signal: AbortSignal
  /** So many bytes of the body have gone out. */
  readonly onSent: (bytes: number) => void
}

/**
 * A POST that tells how much of its body has gone out, as `fetch` does not; its answer, whatever that is. Throws
 * `unreachable`, `unreadable`, or the signal's reason.
 */
export async function post(url: string, posting: Posting): Promise<Refused> {
  const answer = await send(url, posting)
  if (answer) return answer
  await assertReadable(posting.body)
  throw new Problem('unreachable')
}

/** Resolves with undefined where there is no answer. */
function send(url: string, { headers, body, signal, onSent }: Posting): Promise<Refused | undefined> {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest()
    const leave = (): void => {
      reject(signal.reason as Error)
      request.abort()
    }
    request.open('POST', url)
    for (const [name, value] of Object.entries(headers)) request.setRequestHeader(name, value)
    request.upload.addEventListener('progress', ({ loaded }) => onSent(loaded))
    request.addEventListener('load', () => resolve(answerIn(request)))
    request.addEventListener('error', () => resolve(undefined))
    request.addEventListener('loadend', () => signal.removeEventListener('abort', leave))
    signal.addEventListener('abort', leave)
    if (signal.aborted) leave()
    else request.send(body)
  })
}

function answerIn(request: XMLHttpRequest): Refused {
  const { status, responseText: body } = request
  return { status, body, header: (name) => request.getResponseHeader(name) }
}

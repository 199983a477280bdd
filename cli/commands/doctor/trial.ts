import { type Md5, PATHS } from '../../../src/contract.js'
import { pause } from '../../retry.js'
import { type Answer, type Question, exchange } from './exchange.js'
import type { Case } from './finding.js'

/** An upload that will not be finished. */
export interface Trial {
  url: string
  /** Bytes that the server has confirmed. */
  offset: number
}

/** A trial that /check can be asked about. */
export interface KnownTrial extends Trial {
  md5: Md5
}

/** So many bytes a trial declares. Fewer are ever sent: it can't become a stored file. */
export const TRIAL_BYTES = 16 * 1024 * 1024
const ANSWER_MS = 60_000
/** Who has been interrupted tidies up, but not for ever: milliseconds. */
const FAREWELL_MS = 5000
const FAREWELLS = 2

/** An answer that does not fit the protocol. */
export class Unfit extends Error {
  constructor(
    readonly method: string,
    readonly answer: Answer,
    readonly missing?: string,
  ) {
    super(`${method}: ${answer.status}`)
  }
}

/**
 * Creates an upload, with these headers beside its length. Who gets one closes it. An interruption does not break this off at
 * once: what has been asked for would stay on the server, and nobody would know where. Throws `Unfit` and the system's errors.
 */
export async function openTrial(at: Case, headers: Record<string, string> = {}): Promise<Trial> {
  const lasting = outlasting(at.signal)
  try {
    const asked = { 'upload-length': `${TRIAL_BYTES}`, ...headers }
    const answer = await ask('POST', `${at.server}${PATHS.tus}`, { ...at, signal: lasting.signal }, asked)
    const { location } = answer.headers
    if (answer.status !== 201) throw new Unfit('POST', answer)
    if (!location) throw new Unfit('POST', answer, 'Location')
    const id = location.replace(/\/$/, '').split('/').at(-1) ?? ''
    return { url: `${at.server}${PATHS.tus}/${id}`, offset: 0 }
  } finally {
    lasting.forget()
  }
}

/** Sends so much more. Answers other than 204 are the caller's. Throws `Unfit` and the system's errors. */
export async function append(trial: Trial, body: Buffer, at: Case): Promise<Answer> {
  const answer = await ask('PATCH', trial.url, at, patchHeaders(trial), body)
  if (answer.status !== 204) return answer
  trial.offset += body.length
  if (answer.headers['upload-offset'] !== `${trial.offset}`) throw new Unfit('PATCH', answer, 'Upload-Offset')
  return answer
}

/** Removes it from the server, also after an interruption. Where that can't be reached, it forgets the upload by itself. */
export async function closeTrial({ url }: Trial, at: Case): Promise<void> {
  for (let tried = 0; tried < FAREWELLS; tried++) {
    const signal = AbortSignal.timeout(FAREWELL_MS)
    const status = await ask('DELETE', url, { ...at, signal }).then(
      (answer) => answer.status,
      () => undefined,
    )
    if (status !== undefined && status < 500 && status !== 423) return
    await pause(200, new AbortController().signal)
  }
}

/** What a PATCH at the trial's end has to say. */
export function patchHeaders({ offset }: Pick<Trial, 'offset'>): Record<string, string> {
  return {
    'tus-resumable': '1.0.0',
    'upload-offset': `${offset}`,
    'content-type': 'application/offset+octet-stream',
  }
}

/** One request of the tus protocol. Throws the system's errors, or the signal's reason. */
export function ask(
  method: string,
  url: string,
  { way, signal }: Case,
  headers: Record<string, string> = {},
  body?: Buffer,
): Promise<Answer> {
  const question: Question = {
    method,
    url,
    signal,
    agent: way.agentFor(url),
    headers: { 'tus-resumable': '1.0.0', ...headers, ...way.headersFor(url) },
    withinMs: ANSWER_MS,
  }
  return exchange(body ? { ...question, body } : question)
}

/** A signal that is aborted a while after this one. */
function outlasting(signal: AbortSignal): { signal: AbortSignal; forget: () => void } {
  const later = new AbortController()
  let timer: NodeJS.Timeout | undefined
  const wait = (): void => void (timer = setTimeout(() => later.abort(signal.reason), FAREWELL_MS))
  if (signal.aborted) wait()
  else signal.addEventListener('abort', wait, { once: true })
  const forget = (): void => {
    clearTimeout(timer)
    signal.removeEventListener('abort', wait)
  }
  return { signal: later.signal, forget }
}

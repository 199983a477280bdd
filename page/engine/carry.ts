import type { Range } from '../../src/spread/ranges.js'
import { Probe } from '../../src/spread/probe.js'
import { Spread } from '../../src/spread/spread.js'
import type { Found } from '../../src/spread/worth.js'
import type { Means } from './crossing.js'
import { PiecesLine } from './pieces-line.js'
import { Problem } from './problem.js'
import { CONNECTIONS } from './slots.js'
import { transfer } from './transfer.js'

/**
 * Over a line with a shorter round trip, in milliseconds, a lost packet is made good at once, and one connection will do. To
 * give it up costs what the system has taken of it, and that can be megabytes.
 */
const SHORT_MS = 10

/** What it takes to send. */
export type Ways = Pick<Means, 'server' | 'access' | 'slots' | 'limit' | 'line'>

export interface Carriage {
  readonly file: Blob
  /** The id of its upload. */
  readonly upload: string
  readonly ways: Ways
  /** Resolves when the last bytes may go; rejects with the signal's reason. */
  readonly mayEnd: (signal: AbortSignal) => Promise<void>
  readonly signal: AbortSignal
  /** The server has so many bytes: the sending goes on with the others. */
  onBegin(bytes: number): void
  /** By now it has so many. */
  onConfirmed(bytes: number): void
  /** Bytes there or on their way. */
  onProgress(bytes: number): void
}

/** Several connections are worth a try, or have been used. */
class Several extends Error {
  /** What one was like, where that is known. */
  constructor(readonly alone?: Found) {
    super()
  }
}

/**
 * Sends the rest of a file in one attempt: over one connection, and over several where that one turns out to be slow.
 * Resolves when the server says it has everything. Throws Problems, or the signal's reason.
 */
export async function carry(order: Carriage): Promise<void> {
  try {
    await alone(order)
  } catch (error) {
    if (!(error instanceof Several)) throw error
    await spread(order, error)
  }
}

/** Over one connection. Throws `Several` where others are worth a try, and otherwise as `carry`. */
async function alone({ file, upload, ways, mayEnd, signal, ...order }: Carriage): Promise<void> {
  const { server, access, limit } = ways
  const over = new AbortController()
  const either = AbortSignal.any([signal, over.signal])
  const ask = async (): Promise<number> => (await server.stand(upload, either)).offset
  const watched = { size: file.size, limit: undefined, tripMs: server.tripMs, ask }
  const probe = new Probe(watched, (found) => over.abort(new Several(found)))
  try {
    await transfer({
      file,
      url: server.uploadUrl(upload),
      headers: access.headers(),
      largest: limit.bytes,
      mayEnd: () => mayEnd(either),
      signal: either,
      onBegin(offset, ahead) {
        if (isForSeveral(ahead, ways)) return over.abort(new Several())
        order.onBegin(offset)
        if (ahead && server.tripMs >= SHORT_MS) probe.begin(offset)
      },
      onProgress(bytes) {
        probe.note(bytes)
        order.onProgress(bytes)
      },
    })
  } finally {
    probe.stop()
  }
}

/** One connection would send again what several have brought, or several are known to be better. */
function isForSeveral(ahead: Range[] | undefined, { line }: Ways): boolean {
  return ahead !== undefined && (ahead.length > 0 || (line.connections ?? 1) > 1)
}

async function spread({ ways, ...order }: Carriage, { alone }: Several): Promise<void> {
  const { server, slots, limit, line } = ways
  const { file, upload, signal } = order
  const spreading = new Spread({
    ...order,
    line: new PiecesLine(server, upload, file),
    size: file.size,
    connections: line.connections ?? CONNECTIONS,
    isFixed: false,
    ceiling: CONNECTIONS,
    most: () => slots.share,
    alone,
    largest: limit.bytes,
  })
  try {
    await spreading.run()
  } catch (error) {
    signal.throwIfAborted()
    throw error instanceof Problem ? error : new Problem('silent', String(error))
  } finally {
    line.connections = spreading.wanted
  }
}

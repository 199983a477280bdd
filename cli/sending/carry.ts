import { beginAfter } from '../../src/spread/pace.js'
import { Probe } from '../../src/spread/probe.js'
import { SILENCE, Spread, Stalled } from '../../src/spread/spread.js'
import type { Found } from '../../src/spread/worth.js'
import { ClientError } from '../errors.js'
import type { Progress } from '../progress.js'
import type { Server } from '../server.js'
import { type Transfer, transfer } from '../transfer.js'
import type { Flow } from './flow.js'
import { NoPieces, PiecesLine } from './pieces-line.js'
import type { Valve } from './valve.js'

const STALL_MS = 30_000
/** Where no more than so many are right, one will do. */
const FEW = 2

export interface Carriage extends Omit<Transfer, 'stallMs' | 'onProgress' | 'valve' | 'onPieces'> {
  flow: Flow
  valve: Valve
  server: Server
  progress: Progress
}

/** Several connections are worth a try. */
class Several extends Error {
  constructor(readonly found: Found) {
    super()
  }
}

/** One attempt to send the rest of a file: shown while it lasts, and measured where it ends well. Throws as `transfer`. */
export async function carry({ progress, ...order }: Carriage): Promise<void> {
  const { file, flow } = order
  let begun = { from: 0, at: performance.now() }
  const watched = {
    ...order,
    onBegin: (offset: number): void => {
      begun = { from: offset, at: performance.now() }
      order.onBegin(offset)
      progress.start({ kind: 'uploading', name: file.name, size: file.size }, offset)
    },
    onProgress: (bytes: number): void => progress.update(bytes),
  }
  await flow.seats.taken(() => go(watched)).finally(() => progress.stop())
  await flow.measured(file.size - begun.from, performance.now() - begun.at)
}

type Going = Omit<Carriage, 'progress'> & Pick<Transfer, 'onProgress'>

/** Over as many connections as are known to be right, or over one, and more where that is slow. */
async function go(order: Going): Promise<void> {
  const { flow } = order
  const known = flow.connections
  if (known > 1 && (await isTaken(spread(order, known)))) return
  if (flow.hasFixedConnections) return transfer({ ...order, stallMs: STALL_MS })
  try {
    await alone(order)
  } catch (error) {
    if (!(error instanceof Several)) throw error
    const { found } = error
    // For whoever looks on it is still the same attempt.
    const goesOn = { ...order, onBegin: order.onConfirmed }
    if (!(await isTaken(spread(goesOn, beginAfter(found), found))))
      await transfer({ ...goesOn, stallMs: STALL_MS })
  }
}

/** False where the server takes no pieces of the upload, or no more. */
async function isTaken(spreading: Promise<void>): Promise<boolean> {
  try {
    await spreading
    return true
  } catch (error) {
    if (error instanceof NoPieces) return false
    throw error
  }
}

/** Over one connection. Throws `Several` where others are worth a try, and otherwise as `transfer`. */
async function alone(order: Going): Promise<void> {
  const { file, flow, server, signal, onBegin, onProgress } = order
  const over = new AbortController()
  let isAble = false
  const watched = { size: file.size, limit: flow.limitRate, tripMs: server.tripMs, ask: order.askOffset }
  const probe = new Probe(watched, (found) => over.abort(new Several(found)))
  try {
    await transfer({
      ...order,
      stallMs: STALL_MS,
      signal: AbortSignal.any([signal, over.signal]),
      onPieces: () => (isAble = true),
      onBegin: (offset) => {
        onBegin(offset)
        if (isAble) probe.begin(offset)
      },
      onProgress: (bytes) => {
        probe.note(bytes)
        onProgress(bytes)
      },
    })
  } finally {
    probe.stop()
  }
}

async function spread(order: Going, connections: number, alone?: Found): Promise<void> {
  const { server, uploadUrl, file, flow, valve } = order
  const spreading = new Spread({
    ...order,
    line: new PiecesLine(server, uploadUrl, file, flow),
    size: file.size,
    connections,
    isFixed: flow.hasFixedConnections,
    most: () => flow.seats.share,
    alone,
    largest: flow.burst,
    mayEnd: (signal) => valve.opened(signal),
  })
  await spreading.run().catch((error: unknown) => {
    // No way for these bytes just now, as where one connection stands still.
    throw error instanceof Stalled
      ? new ClientError('stalled', { reason: `${SILENCE / 1000}` }, { cause: error })
      : error
  })
  await flow.found(spreading.wanted > FEW ? spreading.wanted : 1)
}

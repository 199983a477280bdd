import type { Progress } from '../progress.js'
import { type Transfer, transfer } from '../transfer.js'
import type { Flow } from './flow.js'

const STALL_MS = 30_000

export interface Carriage extends Omit<Transfer, 'stallMs' | 'onProgress'> {
  flow: Flow
  progress: Progress
}

/** One attempt to send the rest of a file: shown while it lasts, and measured where it ends well. Throws as `transfer`. */
export async function carry({ flow, progress, ...order }: Carriage): Promise<void> {
  const { file } = order
  let begun = { from: 0, at: performance.now() }
  await transfer({
    ...order,
    stallMs: STALL_MS,
    onBegin: (offset) => {
      begun = { from: offset, at: performance.now() }
      order.onBegin(offset)
      progress.start({ kind: 'uploading', name: file.name, size: file.size }, offset)
    },
    onProgress: (bytes) => progress.update(bytes),
  }).finally(() => progress.stop())
  await flow.measured(file.size - begun.from, performance.now() - begun.at)
}

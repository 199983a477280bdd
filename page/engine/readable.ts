import { Problem } from './problem.js'

/** Throws `unreadable` where a file has changed or vanished: to a request that is the same as a broken line. */
export async function assertReadable(file: Blob): Promise<void> {
  try {
    await file.slice(0, 1).arrayBuffer()
  } catch (reason) {
    throw new Problem('unreadable', String(reason))
  }
}

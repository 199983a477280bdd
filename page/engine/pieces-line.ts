import type { Range } from '../../src/spread/ranges.js'
import type { Line } from '../../src/spread/spread.js'
import { isProblem, Problem } from './problem.js'
import type { Server } from './server.js'

/** Milliseconds after which a connection that failed is tried again. */
const AGAIN = 300
/** Who is told to wait longer, in milliseconds, shows so, and may be told to stop. */
const LONG = 2000

/** The way of a file's stretches to its upload on the server. */
export class PiecesLine implements Line {
  constructor(
    readonly server: Server,
    readonly upload: string,
    readonly file: Blob,
  ) {}

  async stand(signal: AbortSignal): Promise<Range[]> {
    const { offset, ahead = [] } = await this.server.stand(this.upload, signal)
    return [{ start: 0, end: offset }, ...ahead]
  }

  async put({ start, end }: Range, signal: AbortSignal, onSent: (bytes: number) => void): Promise<number> {
    const stretch = this.file.slice(start, end)
    try {
      return await this.server.put(this.upload, start, stretch, signal, onSent)
    } catch (error) {
      // Complete, as it may be, it takes no pieces: whether it is gone, the next look tells.
      throw isProblem(error, 'gone') ? new Problem('busy', error.detail) : error
    }
  }

  patience(error: unknown): number | undefined {
    if (!isProblem(error, 'unreachable', 'silent', 'busy') || error.retryAfterMs > LONG) return undefined
    // What is there already is left out after the next look.
    return error.code === 'offset-conflict' ? 0 : error.retryAfterMs || AGAIN
  }

  renew(): void {
    // A page has no hold of idle connections; one that is given up is closed.
  }
}

import type { Range } from '../../src/spread/ranges.js'
import type { Line } from '../../src/spread/spread.js'
import { isProblem, type Problem } from './problem.js'
import type { Server } from './server.js'

/** Milliseconds after which a connection that failed is tried again. */
const AGAIN = 300
/** Nobody is waited for any longer without a word to the visitor, in milliseconds. */
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
    return this.server.put(this.upload, start, this.file.slice(start, end), signal, onSent)
  }

  patience(error: unknown): number | undefined {
    if (isProblem(error, 'unreachable')) return AGAIN
    // Complete, as it may be, it takes no pieces. And what is there already is left out after the next look.
    if (isProblem(error, 'gone') || isCalled(error, 'offset-conflict')) return 0
    return isCalled(error, 'too-many') ? Math.max(AGAIN, Math.min(LONG, error.retryAfterMs)) : undefined
  }

  renew(): void {
    // A page has no hold of idle connections; one that is given up is closed.
  }
}

function isCalled(error: unknown, code: string): error is Problem {
  return isProblem(error, 'busy') && error.code === code
}

import type { Range } from '../../src/spread/ranges.js'
import type { Line } from '../../src/spread/spread.js'
import { ClientError, isMendedByTime } from '../errors.js'
import type { LocalFile } from '../local-file.js'
import type { Server } from '../server.js'
import type { Flow } from './flow.js'

/** Bytes that are read at a time. */
const PIECE = 64 * 1024
/** Milliseconds after which a connection that failed is tried again. */
const AGAIN = 300
/** What a server asks for beyond that is for the whole attempt, which knows how long it may take. */
const LONGEST = 10_000
const CONFLICT = 409

/** The server takes no pieces of the upload. */
export class NoPieces extends Error {}

/** The way of a local file's stretches to an upload on a server. */
export class PiecesLine implements Line {
  constructor(
    readonly server: Server,
    readonly uploadUrl: string,
    readonly file: LocalFile,
    readonly flow: Flow,
  ) {}

  async stand(): Promise<Range[]> {
    const { there, takesPieces } = await this.server.stand(this.uploadUrl)
    // One that is complete takes none, and needs none.
    if (!takesPieces && there[0]?.end !== this.file.size) throw new NoPieces()
    return there
  }

  async put(stretch: Range, signal: AbortSignal, onSent: (bytes: number) => void): Promise<number> {
    const bytes = this.file.read(stretch.start, stretch.end, PIECE)
    const pace = (sent: number): Promise<void> => this.flow.pace(sent)
    try {
      return await this.server.put(this.uploadUrl, stretch, { bytes, signal, pace, onSent })
    } catch (error) {
      // Complete, as it may be, it takes no pieces: whether it is gone, the next look tells.
      if (!(error instanceof ClientError) || error.code !== 'upload-gone') throw error
      throw new ClientError('server-trouble', error.facts, { cause: error })
    }
  }

  patience(error: unknown): number | undefined {
    if (!isMendedByTime(error)) return undefined
    // What is there already is left out after the next look.
    if (error.facts.status === CONFLICT) return 0
    return error.retryAfterMs > LONGEST ? undefined : error.retryAfterMs || AGAIN
  }

  renew(): void {
    this.server.closeIdle()
  }
}

import { pause } from '../support/server.js'
import { tus } from '../support/tus.js'
import { bytesOf, type Random, type Specimen } from './random.js'
import type { Sending } from './senders.js'

/** Milliseconds between two tries. */
const AGAIN = 150
const CONNECTIONS = 3
/** Bytes, least and most. */
const PIECE: [number, number] = [16 * 1024, 512 * 1024]

type Stretch = [start: number, end: number]

/** What of an upload is on disk, by an answer to HEAD. */
export function stretchesIn({ headers }: Response): Stretch[] {
  const ahead = headers.get('ferry-ahead')?.match(/\d+-\d+/g) ?? []
  const pairs = ahead.map((range): Stretch => range.split('-').map(Number) as Stretch)
  return [[0, Number(headers.get('upload-offset'))], ...pairs]
}

/**
 * A client with several connections, which sends a file in pieces that are placed in one upload, not quite in order, and is
 * patient with every fault. Resolves with true when the file was stored, false when it was called off.
 */
export async function sendByPieces(
  file: Specimen,
  sending: Sending,
  random: Random,
  { declared = true }: { declared?: boolean } = {},
): Promise<boolean> {
  const sender = new PieceSender(file, sending, random, declared)
  while (!sending.signal?.aborted) {
    // Whatever breaks off: the server will tell what it has.
    if (await sender.round().catch(() => false)) return true
    await pause(AGAIN)
  }
  return false
}

class PieceSender {
  #url: string | undefined

  constructor(
    readonly file: Specimen,
    readonly sending: Sending,
    readonly random: Random,
    readonly declared: boolean,
  ) {}

  /** Asks what is missing, and sends that. True where the file is stored. */
  async round(): Promise<boolean> {
    const { server, witness } = this.sending
    const url = (this.#url ??= await this.#create())
    if (url === undefined) return false
    const head = await tus.head(url)
    if (head.status !== 200) {
      if ([404, 410, 460].includes(head.status)) {
        witness.ended(url, `${head.status} to HEAD`)
        this.#url = undefined
      }
      return false
    }
    const there = stretchesIn(head)
    if (there[0]![1] === this.file.size) return this.#succeed(url)
    witness.stands(url, there)
    const pieces = this.#cut(there)
    const work = async (): Promise<boolean> => {
      for (let piece = pieces.shift(); piece; piece = pieces.shift())
        if (await this.#send(server, url, piece)) return true
      return false
    }
    return (await Promise.all(Array.from({ length: CONNECTIONS }, work))).includes(true)
  }

  async #create(): Promise<string | undefined> {
    const { server, witness } = this.sending
    const { size, md5, filename } = this.file
    const claim = { filename, ...(this.declared ? { md5 } : {}) }
    const response = this.#heard(await tus.create(server, size, claim))
    if (response.status !== 201) return undefined
    const url = tus.location(server, response)
    witness.offset(url, this.file, 0)
    return url
  }

  /** What is missing, in pieces, of which some change places. */
  #cut(there: Stretch[]): Stretch[] {
    const pieces: Stretch[] = []
    let at = 0
    for (const [start, end] of [...there, [this.file.size, this.file.size] as Stretch]) {
      while (at < start) {
        const next = Math.min(start, at + this.random.between(...PIECE))
        pieces.push([at, next])
        at = next
      }
      at = Math.max(at, end)
    }
    for (let n = 0; n + 1 < pieces.length; n += 2)
      if (this.random.percent(50)) [pieces[n], pieces[n + 1]] = [pieces[n + 1]!, pieces[n]!]
    return pieces
  }

  /** One piece: at once with its creation, or later, in one request or two. True where it has completed the file. */
  async #send(server: string, url: string, piece: Stretch): Promise<boolean> {
    const [start, end] = piece
    const bytes = bytesOf(this.file).subarray(start, end)
    const comesAlong = this.random.percent(30)
    const created = this.#heard(
      await tus.place(server, url, start, end - start, comesAlong ? bytes : undefined),
    )
    if (created.status !== 201) return false
    if (comesAlong) return this.#note(url, start, created)
    const own = tus.location(server, created)
    const cut = this.random.percent(50) ? this.random.between(0, bytes.length) : 0
    if (cut > 0) {
      const first = this.#heard(await tus.patch(own, 0, bytes.subarray(0, cut)))
      if (first.status !== 204) return false
      this.#note(url, start, first)
    }
    const last = this.#heard(await tus.patch(own, cut, bytes.subarray(cut)))
    return last.status === 204 && this.#note(url, start, last)
  }

  #note(url: string, start: number, { headers }: Response): boolean {
    if (headers.get('content-location')) return this.#succeed(url)
    this.sending.witness.placed(url, [start, start + Number(headers.get('upload-offset'))])
    return false
  }

  #succeed(url: string): true {
    this.sending.witness.success(this.file, url)
    return true
  }

  /** That a stretch is another's now is no fault: who hears it asks again what is missing. */
  #heard(response: Response): Response {
    if (![404, 409, 429].includes(response.status)) this.sending.heard?.(response.status)
    return response
  }
}

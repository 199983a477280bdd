import type { Response } from 'express'
import { open } from 'node:fs/promises'

/** A piece of so many bytes costs a third of what the same bytes cost in pieces of 64 KiB, which is what streams take. */
const LARGE = 512 * 1024
const SMALL = 64 * 1024
/** A slow receiver keeps his pieces for hours. Beyond so many large ones, 16 MiB, there are small ones for everybody. */
const MOST_LARGE = 32

/** The large pieces of memory that downloads share. What is given back is used again: no byte is copied or collected. */
export class Pieces {
  readonly #idle: Buffer[] = []
  #lent = 0

  /** Memory for that many bytes, or for some of them. */
  take(bytes: number): Buffer {
    if (bytes <= SMALL || this.#lent === MOST_LARGE) return Buffer.allocUnsafeSlow(Math.min(bytes, SMALL))
    this.#lent += 1
    return this.#idle.pop() ?? Buffer.allocUnsafeSlow(LARGE)
  }

  /** Takes it back. `isFree`: nobody can still be reading from it. */
  give(piece: Buffer, isFree: boolean): void {
    if (piece.length !== LARGE) return
    this.#lent -= 1
    if (isFree) this.#idle.push(piece)
  }
}

/** A stretch of a file, in bytes. */
export interface Stretch {
  start: number
  length: number
}

/**
 * Writes a stretch of a file as the rest of an answer and ends it: one piece is read while the one before is on its way.
 * Resolves when the answer is over, or its receiver is gone. Rejects with the system's error; where the file is shorter
 * than that by now, breaks the connection, since nothing else tells the receiver that bytes are missing.
 */
export async function pour(
  path: string,
  { start, length }: Stretch,
  res: Response,
  pieces: Pieces,
): Promise<void> {
  const end = start + length
  const lent: Buffer[] = []
  const sent = [Promise.resolve(), Promise.resolve()]
  const write = writer(res)
  let isSent = false
  const file = await open(path)
  try {
    for (let at = start, turn = 0; at < end; turn = 1 - turn) {
      const piece = (lent[turn] ??= pieces.take(end - at))
      const { bytesRead } = await file.read(piece, 0, Math.min(piece.length, end - at), at)
      if (bytesRead === 0) res.destroy()
      if (res.destroyed) return
      at += bytesRead
      sent[turn] = write(piece.subarray(0, bytesRead))
      await sent[1 - turn]
    }
    res.end()
    await Promise.all(sent)
    isSent = !res.destroyed || res.writableFinished
  } finally {
    for (const piece of lent) pieces.give(piece, isSent)
    await file.close()
  }
}

/** Each write resolves when its bytes have gone, or when they never will. */
function writer(res: Response): (bytes: Uint8Array) => Promise<void> {
  const waiting = new Set<() => void>()
  res.once('close', () => waiting.forEach((resolve) => resolve()))
  return (bytes) =>
    new Promise((resolve) => {
      waiting.add(resolve)
      res.write(bytes, () => {
        waiting.delete(resolve)
        resolve()
      })
    })
}

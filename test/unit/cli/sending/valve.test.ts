import { Readable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { Limiter } from '#cli/sending/limiter.js'
import { Valve } from '#cli/sending/valve.js'

const PIECE = 1000

/** A source of pieces, as a file is read: it is at its end before somebody takes the last one. */
function source(pieces: number): Readable {
  const bytes = Array.from({ length: pieces }, (_, at) => Buffer.alloc(PIECE, at))
  return Readable.from(bytes, { objectMode: false, highWaterMark: 100 * PIECE })
}

/** Takes what comes out, slowly or at once. */
function drain(stream: Readable, pauseMs = 0) {
  const taken = { bytes: 0, isOver: false }
  const taking = (async () => {
    for await (const piece of stream) {
      taken.bytes += (piece as Buffer).length
      if (pauseMs > 0) await sleep(pauseMs)
    }
    taken.isOver = true
  })()
  taking.catch(() => undefined)
  return { taken, taking }
}

describe('Valve', () => {
  it.each([0, 20])(
    'lets the last bytes go when it is opened, and not before (%i ms for each piece)',
    async (ms) => {
      const valve = new Valve(4 * PIECE, undefined)
      const { taken, taking } = drain(
        valve.through(source(4), 0, () => undefined),
        ms,
      )
      await sleep(300)
      expect(taken).toEqual({ bytes: 3 * PIECE, isOver: false })
      expect(valve.isHolding).toBe(true)
      valve.open()
      await taking
      expect(taken.bytes).toBe(4 * PIECE)
    },
  )

  it('holds nothing back that does not reach the end of the file, and begins in the middle of one', async () => {
    const valve = new Valve(10 * PIECE, undefined)
    const first = drain(valve.through(source(4), 0, () => undefined))
    await first.taking
    expect(first.taken.bytes).toBe(4 * PIECE)
    const last = drain(valve.through(source(4), 6 * PIECE, () => undefined))
    await sleep(100)
    expect(last.taken.bytes).toBe(3 * PIECE)
    valve.open()
    await last.taking
  })

  it('lets who has given up go, although it never opens, and closes the source', async () => {
    const bytes = source(2)
    const passage = new Valve(2 * PIECE, undefined).through(bytes, 0, () => undefined)
    const { taken } = drain(passage)
    await sleep(50)
    passage.destroy()
    await expect.poll(() => passage.closed && bytes.closed).toBe(true)
    expect(taken.bytes).toBe(PIECE)
  })

  it('fails with what the source fails with', async () => {
    const broken = Readable.from(
      (async function* () {
        yield Buffer.alloc(PIECE)
        await sleep(20)
        throw new Error('the disk is gone')
      })(),
    )
    const passage = new Valve(5 * PIECE, undefined).through(broken, 0, () => undefined)
    await expect(drain(passage).taking).rejects.toThrow('the disk is gone')
  })

  it('gives a slow rate in small pieces, so that there is never silence for long', async () => {
    const valve = new Valve(40 * PIECE, new Limiter(8192))
    const passage = valve.through(Readable.from([Buffer.alloc(20 * PIECE)]), 0, () => undefined)
    const sizes: number[] = []
    passage.on('data', (piece: Buffer) => sizes.push(piece.length))
    await sleep(700)
    passage.destroy()
    expect(sizes.length).toBeGreaterThan(1)
    expect(Math.max(...sizes)).toBe(2048)
    expect(sizes.reduce((sum, size) => sum + size, 0)).toBeLessThan(20 * PIECE)
  })
})

describe('Limiter', () => {
  it('shares its rate among all that ask', async () => {
    const limiter = new Limiter(10_000)
    const begun = performance.now()
    await Promise.all(Array.from({ length: 6 }, () => limiter.take(1000)))
    expect(performance.now() - begun).toBeGreaterThan(490)
  })

  it('cuts bytes without losing any', () => {
    const bytes = Buffer.from(Array.from({ length: 10_000 }, (_, at) => at % 251))
    const slices = [...new Limiter(16_384).slices(bytes)]
    expect(slices.map(({ length }) => length)).toEqual([4096, 4096, 1808])
    expect(Buffer.concat(slices)).toEqual(bytes)
  })
})

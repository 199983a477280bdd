import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { Pace } from '#src/spread/pace.js'
import { Ranges, type Range } from '#src/spread/ranges.js'
import { Spread, Stalled, type Line, type SpreadOrder } from '#src/spread/spread.js'

const KIB = 1024
const MIB = 1024 * KIB
const TICK = 100

/** What becomes of a request: its speed in bytes a second, and after how many of its bytes it breaks or stands still. */
interface Fate {
  speed: number
  breaksAfter?: number
  stopsAfter?: number
}

/** A server in memory, and a line to it on which every request may have a fate of its own. */
class SimulatedLine implements Line {
  readonly there = new Ranges()
  readonly puts: Range[] = []
  sent = 0
  open = 0
  mostOpen = 0
  looks = 0
  renewed = 0
  isDown = false
  /** Milliseconds that an answer to `stand` takes. */
  tripMs = 0

  constructor(readonly fate: (nth: number, stretch: Range) => Fate) {}

  async stand(): Promise<Range[]> {
    this.looks += 1
    if (this.isDown) throw new Error('down')
    const there = [...this.there]
    if (this.tripMs > 0) await new Promise((resolve) => void setTimeout(resolve, this.tripMs))
    return there
  }

  put(stretch: Range, signal: AbortSignal, onSent: (bytes: number) => void): Promise<number> {
    const { speed, breaksAfter = Infinity, stopsAfter = Infinity } = this.fate(this.puts.length, stretch)
    const size = stretch.end - stretch.start
    this.puts.push(stretch)
    this.mostOpen = Math.max(this.mostOpen, (this.open += 1))
    let done = 0
    return new Promise<number>((resolve, reject) => {
      let isOver = false
      const end = (settle: () => void): void => {
        if (isOver) return
        isOver = true
        clearInterval(timer)
        this.open -= 1
        settle()
      }
      const timer = setInterval(() => {
        if (this.isDown || done >= breaksAfter) return end(() => reject(new Error('broken off')))
        if (done >= stopsAfter) return
        const next = Math.min(size, done + Math.floor((speed * TICK) / 1000))
        this.sent += next - done
        this.there.add({ start: stretch.start + done, end: stretch.start + next })
        done = next
        onSent(done)
        if (done === size) end(() => resolve(size))
      }, TICK)
      signal.addEventListener('abort', () => end(() => reject(signal.reason as Error)))
    })
  }

  patience(error: unknown): number | undefined {
    return (error as Error).message === 'hopeless' ? undefined : 300
  }

  renew(): void {
    this.renewed += 1
  }
}

const steady = (): Fate => ({ speed: 256 * KIB })

function spread(line: Line, order: Partial<SpreadOrder> & { size: number }): Spread {
  return new Spread({
    line,
    connections: 4,
    isFixed: true,
    largest: Infinity,
    mayEnd: () => Promise.resolve(),
    signal: new AbortController().signal,
    onBegin: () => undefined,
    onConfirmed: () => undefined,
    onProgress: () => undefined,
    ...order,
  })
}

/** How it ended, and after how many seconds. */
async function ended(spreading: Spread, within = 600): Promise<{ error: unknown; seconds: number }> {
  const begun = performance.now()
  const outcome: { isOver: boolean; error?: unknown } = { isOver: false }
  void spreading
    .run()
    .catch((reason: unknown) => (outcome.error = reason))
    .finally(() => (outcome.isOver = true))
  while (!outcome.isOver && performance.now() - begun < within * 1000) await vi.advanceTimersByTimeAsync(TICK)
  expect(outcome.isOver).toBe(true)
  return { error: outcome.error, seconds: (performance.now() - begun) / 1000 }
}

describe('a file that is spread over several connections', () => {
  beforeEach(() => void vi.useFakeTimers())
  afterEach(() => void vi.useRealTimers())

  it('arrives, each byte once, in the file’s order, and as fast as all of them together', async () => {
    const line = new SimulatedLine(steady)
    const confirmed: number[] = []
    const order = { size: 20 * MIB + 7, onConfirmed: (bytes: number) => void confirmed.push(bytes) }
    const { error, seconds } = await ended(spread(line, order))
    expect([error, line.there.gaps(order.size), line.sent]).toEqual([undefined, [], order.size])
    const starts = line.puts.map(({ start }) => start)
    expect(starts).toEqual(starts.toSorted((one, other) => one - other))
    expect(line.mostOpen).toBe(4)
    expect(seconds).toBeLessThan(24)
    expect(confirmed).toEqual(confirmed.toSorted((one, other) => one - other))
    expect(confirmed.at(-1)).toBe(order.size)
  })

  it('is gone on with where it stands, whatever is there of it', async () => {
    const line = new SimulatedLine(steady)
    for (const range of [
      { start: 0, end: MIB },
      { start: 3 * MIB, end: 5 * MIB },
    ])
      line.there.add(range)
    const begun: number[] = []
    const { error } = await ended(spread(line, { size: 6 * MIB, onBegin: (bytes) => void begun.push(bytes) }))
    expect([error, begun, line.sent]).toEqual([undefined, [3 * MIB], 3 * MIB])
  })

  it('sends nothing twice where a connection breaks off, again and again', async () => {
    const line = new SimulatedLine((nth) =>
      nth % 3 === 0 ? { speed: 256 * KIB, breaksAfter: 100 * KIB } : steady(),
    )
    const { error } = await ended(spread(line, { size: 8 * MIB }))
    expect([error, line.sent, line.there.gaps(8 * MIB)]).toEqual([undefined, 8 * MIB, []])
  })

  it('leaves a connection that stands still for another, and lets no idle one serve again', async () => {
    const line = new SimulatedLine((nth) =>
      nth === 1 ? { speed: 256 * KIB, stopsAfter: 50 * KIB } : steady(),
    )
    const { error, seconds } = await ended(spread(line, { size: 30 * MIB }))
    expect([error, line.sent]).toEqual([undefined, 30 * MIB])
    expect(line.renewed).toBe(1)
    expect(seconds).toBeLessThan(45)
  })

  it('leaves no connection whose bytes still come to the server, however long ago they went out', async () => {
    const line = new SimulatedLine(() => ({ speed: 4 * KIB }))
    const put = line.put.bind(line)
    line.put = (stretch, signal, onSent) => {
      onSent(stretch.end - stretch.start)
      return put(stretch, signal, () => undefined)
    }
    const { error } = await ended(
      spread(line, { size: 1 * MIB, alone: { bytesPerSecond: 64 * KIB, isLossy: true } }),
    )
    expect([error, line.sent, line.renewed]).toEqual([undefined, MIB, 0])
  })

  it('keeps to as many as help, although the server answers only at the end of a stretch', async () => {
    const line = new SimulatedLine((nth) => ({ speed: (200 + 20 * (nth % 5)) * KIB }))
    const order = {
      size: 60 * MIB,
      connections: 8,
      isFixed: false,
      alone: { bytesPerSecond: 256 * KIB, isLossy: true },
    }
    const spreading = spread(line, order)
    const wanted = new Set<number>()
    const watch = setInterval(() => wanted.add(spreading.wanted), 500)
    const { error } = await ended(spreading)
    clearInterval(watch)
    expect([error, line.sent, [...wanted]]).toEqual([undefined, order.size, [8]])
  })

  it('shows what is there and on its way once, whatever it has been told of that', async () => {
    const line = new SimulatedLine(steady)
    const shown: number[] = []
    const { error } = await ended(
      spread(line, { size: 20 * MIB, onProgress: (bytes) => void shown.push(bytes) }),
    )
    expect(error).toBeUndefined()
    const steps = shown.slice(1).map((bytes, index) => bytes - shown[index]!)
    // A tick's bytes of a connection, and no stretch's twice.
    expect(Math.max(...steps)).toBeLessThan(MIB / 4)
    expect(Math.min(...steps)).toBeGreaterThan(-MIB / 4)
  })

  it('does not wait for the slowest at its end', async () => {
    const line = new SimulatedLine((nth) => (nth === 2 ? { speed: 2 * KIB } : steady()))
    const { error, seconds } = await ended(
      spread(line, { size: 10 * MIB, alone: { bytesPerSecond: 256 * KIB, isLossy: true } }),
    )
    expect([error, line.there.gaps(10 * MIB)]).toEqual([undefined, []])
    // Alone it would take four minutes.
    expect(seconds).toBeLessThan(25)
    expect(line.sent).toBe(10 * MIB)
  })

  it.each([0, 2 * KIB, 16 * KIB])('does not wait for its last stretch at %i bytes a second', async (slow) => {
    const size = 24 * MIB
    const line = new SimulatedLine((_, { end }) => ({ speed: end === size && isFirst() ? slow : MIB }))
    let tries = 0
    const isFirst = (): boolean => ++tries === 1
    const { error, seconds } = await ended(
      spread(line, { size, alone: { bytesPerSecond: MIB, isLossy: false } }),
    )
    expect([error, line.there.gaps(size)]).toEqual([undefined, []])
    expect(seconds).toBeLessThan(11)
  })

  it('is all there in the end although all break off at once, and fewer connections are left for it', async () => {
    const line = new SimulatedLine(steady)
    const put = line.put.bind(line)
    line.tripMs = 100
    const breaks: (() => void)[] = []
    line.put = (stretch, signal, onSent) => {
      const broken = new Promise<never>(
        (_, reject) => void breaks.push(() => reject(new Error('broken off'))),
      )
      const over = new AbortController()
      const sending = put(stretch, AbortSignal.any([signal, over.signal]), onSent)
      return Promise.race([sending, broken]).finally(() => over.abort(new Error('over')))
    }
    let most = 8
    setTimeout(() => {
      most = 4
      for (const end of breaks) end()
    }, 5020)
    const { error } = await ended(spread(line, { size: 60 * MIB, connections: 8, most: () => most }))
    expect([error, line.there.gaps(60 * MIB)]).toEqual([undefined, []])
  })

  it('takes a look that failed for no measurement', async () => {
    const note = vi.spyOn(Pace.prototype, 'note')
    const line = new SimulatedLine(steady)
    const stand = line.stand.bind(line)
    line.stand = async () => {
      const second = line.looks
      const there = await stand()
      if (second > 5 && second % 3 > 0) throw new Error('lost')
      return there
    }
    const alone = { bytesPerSecond: 256 * KIB, isLossy: true }
    const { error } = await ended(spread(line, { size: 60 * MIB, isFixed: false, connections: 8, alone }))
    const rates = note.mock.calls.map(([bytes]) => bytes)
    note.mockRestore()
    expect(error).toBeUndefined()
    expect(rates.length).toBeGreaterThan(5)
    expect(Math.max(...rates)).toBeLessThan(1.3 * 8 * 256 * KIB)
    expect(Math.min(...rates)).toBeGreaterThan(0.7 * 8 * 256 * KIB)
  })

  it('says nothing more when it is over', async () => {
    const line = new SimulatedLine(steady)
    line.tripMs = 700
    let isOver = false
    const late: number[] = []
    const onConfirmed = (bytes: number): void => void (isOver && late.push(bytes))
    for (const size of [5, 6, 7, 8].map((mebibytes) => mebibytes * MIB + 100_000)) {
      isOver = false
      const { error } = await ended(spread(line, { size: size, onConfirmed }))
      isOver = true
      await vi.advanceTimersByTimeAsync(5000)
      expect([error, late]).toEqual([undefined, []])
    }
  })

  it('believes no server that has more than there is, and none that takes back what it had', async () => {
    const line = new SimulatedLine(() => ({ speed: 0 }))
    const confirmed: number[] = []
    line.stand = () => {
      line.looks += 1
      return Promise.resolve(line.looks % 2 ? [{ start: 2 * MIB, end: 1e12 }] : [])
    }
    line.put = () => Promise.reject(new Error('broken off'))
    line.patience = () => 2000
    const order = { size: 4 * MIB, onConfirmed: (bytes: number) => void confirmed.push(bytes) }
    const { error, seconds } = await ended(spread(line, order))
    expect(error).toMatchObject({ message: 'broken off' })
    expect(seconds).toBeLessThan(30)
    expect(Math.max(0, ...confirmed)).toBeLessThanOrEqual(4 * MIB)
  })

  it('keeps its last bytes until they may go', async () => {
    const line = new SimulatedLine(steady)
    let open: () => void = () => undefined
    const gate = new Promise<void>((resolve) => (open = resolve))
    const size = 4 * MIB
    setTimeout(() => {
      const [gap] = line.there.gaps(size)
      expect(gap).toMatchObject({ end: size })
      expect(line.puts.some(({ end }) => end === size)).toBe(false)
      open()
    }, 60_000)
    const { error, seconds } = await ended(spread(line, { size, mayEnd: () => gate }))
    expect([error, line.sent]).toEqual([undefined, size])
    expect(seconds).toBeGreaterThan(60)
  })

  it('gives up when no connection gets on any more, and when time mends nothing', async () => {
    const down = new SimulatedLine(steady)
    setTimeout(() => (down.isDown = true), 3000)
    const { error, seconds } = await ended(spread(down, { size: 100 * MIB }))
    expect(error).toEqual(
      expect.objectContaining({ message: expect.stringMatching(/down|broken off/) as string }),
    )
    expect(seconds).toBeLessThan(10)

    const hopeless = new SimulatedLine(steady)
    hopeless.put = () => Promise.reject(new Error('hopeless'))
    expect(await ended(spread(hopeless, { size: MIB }))).toMatchObject({ error: { message: 'hopeless' } })
    expect(hopeless.looks).toBe(1)
  })

  it('ends at once when it is called off', async () => {
    const line = new SimulatedLine(steady)
    const over = new AbortController()
    setTimeout(() => over.abort(new Error('called off')), 2500)
    const { error, seconds } = await ended(spread(line, { size: 100 * MIB, signal: over.signal }))
    expect(error).toMatchObject({ message: 'called off' })
    expect(seconds).toBeLessThan(3)
    expect(line.open).toBe(0)
  })

  it('ends at once when it is called off, or has failed, however long it was told to wait', async () => {
    const line = new SimulatedLine((nth) => (nth === 0 ? { ...steady(), breaksAfter: 1 } : steady()))
    line.patience = () => 86_400_000
    const over = new AbortController()
    setTimeout(() => over.abort(new Error('called off')), 2500)
    const { error, seconds } = await ended(spread(line, { size: 100 * MIB, signal: over.signal }))
    expect(error).toMatchObject({ message: 'called off' })
    expect(seconds).toBeLessThan(3)
  })

  it('gives up where requests bring nothing although they succeed, and where all stand still', async () => {
    const taking = new SimulatedLine(steady)
    taking.put = (stretch) => {
      taking.puts.push(stretch)
      return new Promise((resolve) => void setTimeout(() => resolve(0), 10))
    }
    expect((await ended(spread(taking, { size: MIB }))).error).toBeInstanceOf(Stalled)
    expect(taking.puts.length).toBeLessThan(20)

    const standing = new SimulatedLine(() => ({ speed: 0 }))
    expect((await ended(spread(standing, { size: MIB }))).error).toBeInstanceOf(Stalled)
  })

  it('believes of no request that it has brought more than was sent', async () => {
    const line = new SimulatedLine((nth) => (nth === 6 ? { ...steady(), breaksAfter: 1 } : steady()))
    const put = line.put.bind(line)
    line.put = async (...given) => (await put(...given)) + 1e9
    const { error } = await ended(spread(line, { size: 4 * MIB }))
    expect([error, line.there.gaps(4 * MIB)]).toEqual([undefined, []])
  })

  it('takes no more connections than there are for it, and no larger requests', async () => {
    const line = new SimulatedLine(steady)
    let most = 8
    setTimeout(() => {
      most = 2
      setTimeout(() => (line.mostOpen = line.open), 6000)
    }, 5000)
    const order = { size: 30 * MIB, connections: 8, most: () => most, largest: 300_000 }
    const { error } = await ended(spread(line, order))
    expect([error, line.mostOpen]).toEqual([undefined, 2])
    expect(Math.max(...line.puts.map(({ start, end }) => end - start))).toBeLessThanOrEqual(300_000)
  })
})

/**
 * MD5 (RFC 1321) that can be put aside after any byte and taken up again, for server, client and page. The program that
 * does the sums is put together here, from the RFC's own tables: 64 steps in WebAssembly, without a toolchain to trust. It
 * is as fast as OpenSSL's, whose state can't be had, and faster than libraries that save theirs: `G` is written as a sum, so
 * that of its three operations only two wait for the step before.
 */

/** Bytes in a block. */
const BLOCK = 64
/** Where in the program's memory the state lies, and the bytes to be hashed, with the rest of a block before them. */
const STATE = 0
const START = BLOCK
const ROOM = 1024 * 1024
const PAGE = 64 * 1024
/** What a saved state begins with. */
const TAG = [0x6d, 0x64, 0x35, 0x01]
const STATE_BYTES = 16
const HEAD = TAG.length + STATE_BYTES + 8

interface Program {
  memory: Uint8Array<ArrayBuffer>
  /** Hashes the whole blocks from one address to another into the state. */
  hash: (from: number, to: number) => void
}

/** An MD5 in the making. It holds some hundred bytes; all of a thread share one program. */
export class Md5Hash {
  readonly #state = Uint8Array.from([
    0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef, 0xfe, 0xdc, 0xba, 0x98, 0x76, 0x54, 0x32, 0x10,
  ])
  /** The beginning of a block that is not complete. */
  readonly #rest = new Uint8Array(BLOCK)
  #length = 0
  readonly #program = (shared ??= compiled())

  /** Goes on from a saved state. Throws where that is none. */
  static from(saved: Uint8Array): Md5Hash {
    const hash = new Md5Hash()
    const { byteLength, buffer, byteOffset } = saved
    const length = byteLength < HEAD ? NaN : new DataView(buffer, byteOffset).getFloat64(HEAD - 8, true)
    const isWhole = Number.isSafeInteger(length) && length >= 0 && byteLength === HEAD + (length % BLOCK)
    if (!isWhole || TAG.some((byte, index) => saved[index] !== byte))
      throw new Error('not a saved state of MD5')
    hash.#state.set(saved.subarray(TAG.length, TAG.length + STATE_BYTES))
    hash.#rest.set(saved.subarray(HEAD))
    hash.#length = length
    return hash
  }

  /** The same, but from the beginning where there is no state, or one that an older version has saved. */
  static goingOn(saved: Uint8Array | undefined): Md5Hash {
    try {
      return saved ? Md5Hash.from(saved) : new Md5Hash()
    } catch {
      return new Md5Hash()
    }
  }

  /** Bytes hashed so far. */
  get length(): number {
    return this.#length
  }

  update(bytes: Uint8Array): this {
    for (let at = 0; at < bytes.length; at += ROOM) {
      const piece = bytes.subarray(at, at + ROOM)
      this.room().set(piece)
      this.filled(piece.length)
    }
    return this
  }

  /**
   * A MiB of the program's own memory: what is read into it need not be copied to be hashed. It belongs to all hashes of the
   * thread, so fill it and call `filled` before anything else is done.
   */
  room(): Uint8Array {
    const start = START + (this.#length % BLOCK)
    return this.#program.memory.subarray(start, start + ROOM)
  }

  /** Hashes the first so many bytes of the room. */
  filled(length: number): void {
    const { memory, hash } = this.#program
    const rest = this.#length % BLOCK
    const end = START + rest + length
    const whole = end - ((rest + length) % BLOCK)
    memory.set(this.#rest.subarray(0, rest), START)
    if (whole > START) {
      memory.set(this.#state, STATE)
      hash(START, whole)
      this.#state.set(memory.subarray(STATE, STATE + STATE_BYTES))
    }
    this.#rest.set(memory.subarray(whole, end))
    this.#length += length
  }

  /** The state as of now, for `from`. */
  save(): Uint8Array {
    const rest = this.#length % BLOCK
    const saved = new Uint8Array(HEAD + rest)
    saved.set(TAG)
    saved.set(this.#state, TAG.length)
    new DataView(saved.buffer).setFloat64(HEAD - 8, this.#length, true)
    saved.set(this.#rest.subarray(0, rest), HEAD)
    return saved
  }

  /** The MD5 of what was hashed so far, in lower-case hex. More may follow. */
  digest(): string {
    const { memory, hash } = this.#program
    const rest = this.#length % BLOCK
    // RFC 1321, 3.1 and 3.2: a one bit, zeros, and the length in bits at the end of a block.
    const end = rest < BLOCK - 8 ? BLOCK : 2 * BLOCK
    const tail = memory.subarray(START, START + end).fill(0)
    tail.set(this.#rest.subarray(0, rest))
    tail[rest] = 0x80
    new DataView(memory.buffer).setBigUint64(START + end - 8, BigInt(this.#length) * 8n, true)
    memory.set(this.#state, STATE)
    hash(START, START + end)
    const bytes = [...memory.subarray(STATE, STATE + STATE_BYTES)]
    return bytes.map((byte) => byte.toString(16).padStart(2, '0')).join('')
  }
}

let shared: Program | undefined

function compiled(): Program {
  const { WebAssembly } = globalThis as unknown as { WebAssembly: Engine }
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(assembled()))
  return { memory: new Uint8Array(exports.memory.buffer), hash: exports.hash }
}

/** As much of the engine as is used: neither the browser's types nor Node's are there for all who import this. */
interface Engine {
  Module: new (bytes: Uint8Array) => object
  Instance: new (module: object) => { exports: { memory: { buffer: ArrayBuffer }; hash: Program['hash'] } }
}

/** WebAssembly Core Specification 1.0, 5.5: one memory and one function, both exported. */
function assembled(): Uint8Array<ArrayBuffer> {
  const code = [...vector([[...unsigned(8), I32]]), ...body()]
  const type = [0x60, ...vector([[I32], [I32]]), 0x00]
  const pages = Math.ceil((START + BLOCK + ROOM) / PAGE)
  return Uint8Array.from([
    ...MAGIC,
    ...section(1, [type]),
    ...section(3, [[0]]),
    ...section(5, [[0x00, ...unsigned(pages)]]),
    ...section(7, [exported('memory', 2), exported('hash', 0)]),
    ...section(10, [[...unsigned(code.length), ...code]]),
  ])
}

/** `\0asm`, version 1. */
const MAGIC = [0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00]
const I32 = 0x7f
const [ADD, AND, OR, XOR, ROTL, LESS] = [0x6a, 0x71, 0x72, 0x73, 0x77, 0x49]
const [LOOP, BRANCH_IF, END, NOTHING] = [0x03, 0x0d, 0x0b, 0x40]
/** The function's two arguments, the state's four words (A B C D), and the same as they were before the block. */
const [FROM, TO, WORDS, BEFORE] = [0, 1, 2, 6]
const FOUR = [0, 1, 2, 3]

/** `do { hash the block at FROM } while ((FROM += 64) < TO)` */
function body(): number[] {
  return [
    FOUR.flatMap((word) => [...constant(STATE), ...load(4 * word), ...set(WORDS + word)]),
    [LOOP, NOTHING],
    FOUR.flatMap((word) => [...get(WORDS + word), ...set(BEFORE + word)]),
    Array.from({ length: 64 }, (_, index) => step(index)).flat(),
    FOUR.flatMap((word) => [...get(WORDS + word), ...get(BEFORE + word), ADD, ...set(WORDS + word)]),
    [...get(FROM), ...constant(BLOCK), ADD, ...tee(FROM), ...get(TO), LESS, BRANCH_IF, 0, END],
    FOUR.flatMap((word) => [...constant(STATE), ...get(WORDS + word), ...store(4 * word)]),
    [END],
  ].flat()
}

/** RFC 1321, 3.4: `a = b + ((a + f(b, c, d) + X[k] + T[i]) <<< s)`, where the four words change places with each step. */
function step(index: number): number[] {
  const [a, b, c, d] = FOUR.map((place) => WORDS + ((place - index) & 3)) as [number, number, number, number]
  const round = index >> 4
  const [factor, offset] = ORDER[round]!
  const word = (factor! * index + offset!) % 16
  return [
    [...get(a), ...constant(T[index]!), ADD, ...get(FROM), ...load(4 * word), ADD],
    MIXES[round]!(get(b), get(c), get(d)),
    [...constant(SHIFTS[round]![index % 4]!), ROTL, ...get(b), ADD, ...set(a)],
  ].flat()
}

/** RFC 1321, 3.4: `4294967296 * abs(sin(i))`, whose fractions are far from 0 and 1: every engine's sine will do. */
const T = Array.from({ length: 64 }, (_, index) => Math.floor(2 ** 32 * Math.abs(Math.sin(index + 1))))
const SHIFTS = [
  [7, 12, 17, 22],
  [5, 9, 14, 20],
  [4, 11, 16, 23],
  [6, 10, 15, 21],
]
/** Which word of the block is next: `k = (factor * i + offset) mod 16`. */
const ORDER = [
  [1, 0],
  [5, 1],
  [3, 5],
  [7, 0],
]

/**
 * What each round adds. `b` is what the step before has just made: whatever can be done without it comes first.
 * F(b,c,d) = bc v not(b)d, written d ^ (b & (c ^ d)). G(b,c,d) = bd v c not(d), written as a sum, since no bit is in both.
 */
const MIXES: ((b: number[], c: number[], d: number[]) => number[])[] = [
  (b, c, d) => [...c, ...d, XOR, ...b, AND, ...d, XOR, ADD],
  (b, c, d) => [...NOT, ...d, XOR, ...c, AND, ADD, ...b, ...d, AND, ADD],
  (b, c, d) => [...c, ...d, XOR, ...b, XOR, ADD],
  (b, c, d) => [...NOT, ...d, XOR, ...b, OR, ...c, XOR, ADD],
]
/** Before a value and XOR: the value's complement. */
const NOT = constant(-1)

function get(local: number): number[] {
  return [0x20, local]
}

function set(local: number): number[] {
  return [0x21, local]
}

function tee(local: number): number[] {
  return [0x22, local]
}

function load(offset: number): number[] {
  return [0x28, 2, ...unsigned(offset)]
}

function store(offset: number): number[] {
  return [0x36, 2, ...unsigned(offset)]
}

function constant(value: number): number[] {
  return [0x41, ...signed(value)]
}

function exported(name: string, kind: number): number[] {
  return [...vector(Array.from(name, (letter) => [letter.charCodeAt(0)])), kind, 0]
}

function section(id: number, items: number[][]): number[] {
  const bytes = vector(items)
  return [id, ...unsigned(bytes.length), ...bytes]
}

function vector(items: number[][]): number[] {
  return [...unsigned(items.length), ...items.flat()]
}

/** LEB128, seven bits a byte, the lowest first. */
function unsigned(value: number): number[] {
  return value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...unsigned(value >>> 7)]
}

/** The same of 32 bits with a sign, which is the second highest bit of the last byte. */
function signed(value: number): number[] {
  const int = value | 0
  return int >= -0x40 && int < 0x40 ? [int & 0x7f] : [(int & 0x7f) | 0x80, ...signed(int >> 7)]
}

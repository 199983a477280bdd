import { createHash } from 'node:crypto'

/** The first collision that was published: X. Wang and H. Yu, "How to Break MD5 and Other Hash Functions" (2005). */
const FIRST = Buffer.from(
  'd131dd02c5e6eec4693d9a0698aff95c2fcab58712467eab4004583eb8fb7f89' +
    '55ad340609f4b30283e488832571415a085125e8f7cdc99fd91dbdf280373c5b' +
    'd8823e3156348f5bae6dacd436c919c6dd53e2b487da03fd02396306d248cda0' +
    'e99f33420f577ee8ce54b67080a80d1ec69821bcb6a8839396f9652b6ff72a70',
  'hex',
)
/** Where the two differ: in the highest bit of six bytes. */
const DIFFERENT = [19, 45, 59, 83, 109, 123]

/** Two contents that differ and have one MD5. */
export interface Colliding {
  md5: string
  one: { bytes: Buffer; sha256: string }
  other: { bytes: Buffer; sha256: string }
}

/** A pair with a common suffix, so that both are so many bytes long (128 at least). Each seed makes another pair. */
export function colliding(bytes = 128, seed = 0): Colliding {
  const suffix = Buffer.alloc(bytes - FIRST.length, `${seed} and so on `)
  const second = Buffer.from(FIRST)
  for (const at of DIFFERENT) second[at]! ^= 0x80
  const [one, other] = [FIRST, second].map((block) => Buffer.concat([block, suffix]))
  return {
    md5: createHash('md5').update(one!).digest('hex'),
    one: { bytes: one!, sha256: sha256(one!) },
    other: { bytes: other!, sha256: sha256(other!) },
  }
}

export function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex')
}

import type { Md5, Sha256 } from '../../src/contract.js'

/** What a file is known by. */
export interface Digests {
  md5: Md5
  /** Only where it was asked for. */
  sha256?: Sha256 | undefined
}

import { createHmac, hkdfSync, timingSafeEqual } from 'node:crypto'
import type { Md5 } from '../../contract.js'

/** A link may live so long, in seconds: a year. */
export const LONGEST_LINK = 365 * 86_400

/**
 * Signs links to closed files: `?expires=<unix seconds>&sig=<hex HMAC-SHA256 of "<md5> <expires>">`. The key is derived
 * from a token of DOWNLOAD_TOKEN by HKDF-SHA256 (RFC 5869; no salt, info `ferry signed link`, 32 bytes). The first token
 * signs; the keys of all verify, so a new one put before it ends no link, and one taken away ends all that it signed.
 */
export class Signer {
  readonly #keys: readonly Buffer[]

  /** None where there are no tokens: what is open needs no signatures. */
  static of(tokens: readonly string[]): Signer | undefined {
    return tokens.length > 0 ? new Signer(tokens) : undefined
  }

  private constructor(tokens: readonly string[]) {
    this.#keys = tokens.map((token) => Buffer.from(hkdfSync('sha256', token, '', 'ferry signed link', 32)))
  }

  /** The query of a link to that content which ends in so many seconds. */
  query(md5: Md5, seconds: number): string {
    const expires = String(Math.floor(Date.now() / 1000) + seconds)
    return `expires=${expires}&sig=${signature(this.#keys[0]!, md5, expires).toString('hex')}`
  }

  /** What a link's query is worth. Whether it has expired is told only of what was signed. */
  judge(md5: Md5, expires: unknown, sig: unknown): 'valid' | 'expired' | 'wrong' {
    if (typeof expires !== 'string' || typeof sig !== 'string') return 'wrong'
    if (!/^\d{1,12}$/.test(expires) || !/^[0-9a-f]{64}$/i.test(sig)) return 'wrong'
    const given = Buffer.from(sig, 'hex')
    const hits = this.#keys.map((key) => timingSafeEqual(signature(key, md5, expires), given))
    if (!hits.includes(true)) return 'wrong'
    return Number(expires) * 1000 > Date.now() ? 'valid' : 'expired'
  }
}

function signature(key: Buffer, md5: Md5, expires: string): Buffer {
  return createHmac('sha256', key).update(`${md5} ${expires}`).digest()
}

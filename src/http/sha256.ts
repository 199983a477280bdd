import { parseSha256, type Sha256 } from '../contract.js'
import { FerryError } from '../errors.js'

/** What a request declares, if it does. Throws `bad-sha256`: a demand that can't be read is not overlooked. */
export function declaredSha256(text: unknown): Sha256 | undefined {
  if (text === undefined) return undefined
  const sha256 = parseSha256(text)
  if (sha256) return sha256
  throw new FerryError('bad-sha256', 'sha256 must be 64 hex digits; leave it out where there is none')
}

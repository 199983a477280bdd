import type { Shelf } from '../store/shelf.js'
import type { Stored } from '../store/rows.js'
import type { Claim } from './arrival.js'
import { areDifferent, collision } from './standing.js'

/** The content that a claim is of, if it is here; throws `collision` where another one has its MD5. */
export function knownContent(
  { md5, sha256, size }: Pick<Claim, 'md5' | 'sha256' | 'size'>,
  shelf: Shelf,
): Stored | undefined {
  const known = md5 && shelf.find(md5)
  if (!known || (size ?? known.size) !== known.size) return undefined
  if (areDifferent(known.sha256, sha256)) throw collision(md5, `sha256 ${sha256}`, known.sha256!)
  // Where the SHA-256 is asked for and not known, it was read, and is not what its name says.
  return sha256 && !known.sha256 ? undefined : known
}

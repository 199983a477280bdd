import type { Md5, Sha256 } from '../contract.js'
import { diskError, FerryError } from '../errors.js'
import { reported, touched, type Arrival } from './arrival.js'
import type { Claims } from './claims.js'
import { isPartial } from './concat.js'
import { knownContent } from './known.js'
import { areDifferent, type Standing } from './standing.js'
import type { Stores } from './stores.js'

/** What became of an MD5 that was declared after the creation. */
export interface Binding {
  /** Whether the upload holds the claim now: go on with it. If not, `standing` says why. */
  isBound: boolean
  standing: Standing
}

/** What is declared of an upload after its creation. */
export interface Declaration {
  md5: Md5
  sha256: Sha256 | undefined
  /** The declaring client's id. */
  client: string | undefined
}

/**
 * Gives an open upload the claim to an MD5, unless another has the better one: the shelf, a live upload of somebody
 * else, or one that may be gone on with and is further. Standing -> claim is one step, before the first await.
 * Errors: `bad-request`, `collision`, `io-failed`.
 */
export async function bind(
  arrival: Arrival,
  declared: Declaration,
  stores: Stores,
  claims: Claims,
): Promise<Binding> {
  const { claim } = arrival
  const { md5, client } = declared
  if (isPartial(arrival))
    throw new FerryError('bad-request', 'a piece of a file has no md5: declare it of the whole upload')
  const sha256 = declared.sha256 ?? claim.sha256
  if (claim.md5 && claim.md5 !== md5)
    throw new FerryError('bad-request', `this upload has declared the md5 ${claim.md5} already`)
  if (areDifferent(claim.sha256, sha256))
    throw new FerryError('bad-request', `this upload has declared the sha256 ${claim.sha256} already`)
  Object.assign(arrival, touched()) // as far as its age goes; what counts as live, bytes say
  if (claim.md5 !== md5 || claim.sha256 !== sha256) {
    const better = betterClaim(arrival, { md5, sha256, client }, stores, claims)
    if (better) return { isBound: false, standing: better }
    const former = claims.owner(md5)
    claims.bind(arrival, md5, sha256)
    try {
      await stores.ledger.write('bind', { part: arrival.part, md5, sha256 })
    } catch (error) {
      claims.unbind(arrival, claim, former)
      throw diskError(error, 'writing the ledger')
    }
  }
  return { isBound: true, standing: claims.describe(arrival, client ?? claim.client) }
}

function betterClaim(
  claimant: Arrival,
  { md5, sha256, client }: Declaration,
  { shelf }: Stores,
  claims: Claims,
): Standing | undefined {
  const { claim, front } = claimant
  const content = knownContent({ md5, sha256, size: claim.size }, shelf)
  if (content) return { state: 'exists', content }
  const owner = claims.owner(md5)
  if (!owner || owner === claimant || areDifferent(owner.claim.sha256, sha256)) return undefined
  const known = owner.claim.size !== undefined && claim.size !== undefined
  // One of two different sizes is wrong, and the MD5 will tell which.
  if (known && owner.claim.size !== claim.size) return undefined
  const standing = claims.standing(owner, client)
  if (standing.state === 'uploading' && !standing.isOwn) return standing
  // Only one of a known size is given back to anybody.
  if (!known || !claims.isTrusted(owner, client) || !owner.resumable || owner.durable <= front)
    return undefined
  const [offset, size] = [reported(owner), owner.claim.size]
  return {
    state: 'uploading',
    offset,
    size,
    sha256: owner.claim.sha256,
    isOwn: true,
    resumable: true,
    retryAfter: 0,
  }
}

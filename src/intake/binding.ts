import type { Md5 } from '../contract.js'
import { diskError, FerryError } from '../errors.js'
import { reported, touched, type Arrival } from './arrival.js'
import type { Claims } from './claims.js'
import type { Standing } from './standing.js'
import type { Stores } from './stores.js'

/** What became of an MD5 that was declared after the creation. */
export interface Binding {
  /** Whether the upload holds the claim now: go on with it. If not, `standing` says why. */
  isBound: boolean
  standing: Standing
}

/**
 * Gives an open upload the claim to an MD5, unless another has the better one: the shelf, a live upload of somebody
 * else, or one that may be gone on with and is further. Standing -> claim is one step, before the first await.
 */
export async function bind(
  arrival: Arrival,
  md5: Md5,
  client: string | undefined,
  stores: Stores,
  claims: Claims,
): Promise<Binding> {
  const { claim } = arrival
  if (claim.md5 && claim.md5 !== md5)
    throw new FerryError('bad-request', `this upload has declared the md5 ${claim.md5} already`)
  Object.assign(arrival, touched()) // as far as its age goes; what counts as live, bytes say
  if (claim.md5 !== md5) {
    const better = betterClaim(arrival, md5, client, stores, claims)
    if (better) return { isBound: false, standing: better }
    const former = claims.owner(md5)
    claims.bind(arrival, md5)
    try {
      await stores.ledger.write('bind', { part: arrival.part, md5 })
    } catch (error) {
      claims.unbind(arrival, former)
      throw diskError(error, 'writing the ledger')
    }
  }
  return { isBound: true, standing: claims.standing(arrival, client ?? claim.client) }
}

function betterClaim(
  { claim, front }: Arrival,
  md5: Md5,
  client: string | undefined,
  { shelf }: Stores,
  claims: Claims,
): Standing | undefined {
  const content = shelf.find(md5)
  if (content && (claim.size ?? content.size) === content.size) return { state: 'exists', content }
  const owner = claims.owner(md5)
  if (!owner) return undefined
  const known = owner.claim.size !== undefined && claim.size !== undefined
  // One of two different sizes is wrong, and the MD5 will tell which.
  if (known && owner.claim.size !== claim.size) return undefined
  const standing = claims.standing(owner, client)
  if (standing.state === 'uploading' && !standing.isOwn) return standing
  // Only one of a known size is given back to anybody.
  if (!known || !claims.isTrusted(owner, client) || !owner.resumable || owner.durable <= front)
    return undefined
  const [offset, size] = [reported(owner), owner.claim.size]
  return { state: 'uploading', offset, size, isOwn: true, resumable: true, retryAfter: 0 }
}

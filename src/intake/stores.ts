import type { Fingerprints } from '../store/fingerprints.js'
import type { Follower } from '../store/follower.js'
import type { Inbox } from '../store/inbox.js'
import type { Ledger } from '../store/ledger.js'
import type { Shelf } from '../store/shelf.js'

/** The four that keep things, opened and recovered, and who reads for SHA-256s. */
export interface Stores {
  inbox: Inbox
  shelf: Shelf
  ledger: Ledger
  follower: Follower
  fingerprints: Fingerprints
}

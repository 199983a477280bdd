import { FerryError } from '../errors.js'
import type { Stored } from '../store/rows.js'
import { lastTouch, reported, type Arrival, type Claim } from './arrival.js'

/** What is known of an MD5. */
export type Standing =
  | { state: 'exists'; content: Stored }
  | {
      state: 'uploading'
      /** Bytes on disk, and in all, as far as that is known. */
      offset: number
      size: number | undefined
      /** Whether it is the asking client's own, and whether that may go on with it at once. */
      isOwn: boolean
      resumable: boolean
      /** Seconds until it no longer counts as live. */
      retryAfter: number
    }
  | { state: 'notfound' }

/** How an upload stands: on the shelf, or at an offset that is on disk. */
export type Upload =
  | { state: 'finished'; id: string; content: Stored }
  | { state: 'open'; id: string; offset: number; claim: Claim; touchedAt: number }

/** What may be told of an open upload. */
export function openUpload(arrival: Arrival): Upload {
  const { id, claim } = arrival
  return { state: 'open', id, offset: reported(arrival), claim, touchedAt: lastTouch(arrival) }
}

/** The answer to a second uploader of a content that is arriving. */
export function uploadingElsewhere(standing: Standing & { state: 'uploading' }): FerryError {
  const { offset, size, retryAfter } = standing
  const details = { offset, ...(size === undefined ? {} : { size }) }
  return new FerryError('uploading', 'this file is arriving from somebody else', { retryAfter, details })
}

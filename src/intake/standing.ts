import type { Md5, Sha256 } from '../contract.js'
import { FerryError } from '../errors.js'
import type { Stored, UploadRow } from '../store/rows.js'
import { lastTouch, reported, type Arrival, type Claim } from './arrival.js'
import { stretches, takesPieces } from './placed.js'

/** What is known of an MD5. */
export type Standing =
  | { state: 'exists'; content: Stored }
  | {
      state: 'uploading'
      /** Bytes on disk, and in all, as far as that is known. */
      offset: number
      size: number | undefined
      /** What its uploader declared; nobody is told. */
      sha256: Sha256 | undefined
      /** Whether it is the asking client's own, and whether that may go on with it at once. */
      isOwn: boolean
      resumable: boolean
      /** Seconds until it no longer counts as live. */
      retryAfter: number
    }
  | { state: 'notfound' }

/** How an upload stands: on the shelf, or at an offset that is on disk. */
export type Upload = OpenUpload | FinishedUpload

export interface FinishedUpload {
  state: 'finished'
  id: string
  content: Stored
  concat?: string | undefined
}

export interface OpenUpload {
  state: 'open'
  id: string
  offset: number
  claim: Claim
  touchedAt: number
  /** Of one that takes pieces: what is on disk ahead of the offset, where each stretch begins and ends, in bytes. */
  ahead?: [start: number, end: number][]
  /** What a placed piece has completed. */
  content?: Stored
}

/** What may be told of an open upload. */
export function openUpload(arrival: Arrival): OpenUpload {
  const { id, claim } = arrival
  const upload = {
    state: 'open' as const,
    id,
    offset: reported(arrival),
    claim,
    touchedAt: lastTouch(arrival),
  }
  return takesPieces(arrival) ? { ...upload, ahead: stretches(arrival) } : upload
}

/** A piece whose bytes stand in another upload: as complete as it ever was. */
export function joinedPiece({ id, filename, size = 0, touchedAt, concat }: UploadRow): Upload {
  const claim = { md5: undefined, filename, size, client: undefined, concat }
  return { state: 'open', id, offset: size, claim, touchedAt }
}

/** Two declarations of which one is wrong, or that are of two contents with one MD5. */
export function areDifferent(one: Sha256 | undefined, other: Sha256 | undefined): boolean {
  return one !== undefined && other !== undefined && one !== other
}

/** The error for a content whose MD5 is another content's, too: that one stays, and nobody gets its URL for this one. */
export function collision(md5: Md5 | undefined, ours: string, theirs: string): FerryError {
  return new FerryError(
    'collision',
    `${md5 ? `two contents have the md5 ${md5}` : 'not what was declared'}: ${ours} is not ${theirs}; nothing was kept`,
  )
}

/** The answer to a second uploader of a content that is arriving. */
export function uploadingElsewhere(standing: Standing & { state: 'uploading' }): FerryError {
  const { offset, size, retryAfter } = standing
  const details = { offset, ...(size === undefined ? {} : { size }) }
  return new FerryError('uploading', 'this file is arriving from somebody else', { retryAfter, details })
}

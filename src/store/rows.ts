import type { Md5, Sha256 } from '../contract.js'

/** A content as the ledger knows it. */
export interface Content {
  md5: Md5
  /** Its file's name on the shelf: `<md5>.<ext>`, or as it was when it was copied in. */
  file: string
  /** The name its first uploader gave it; empty where it was copied in. */
  filename: string
  /** In bytes; undefined until somebody looked (it was taken in by name). */
  size: number | undefined
  /** Undefined until somebody has computed it. */
  sha256?: Sha256 | undefined
}

/** A content that is there: its file has been seen. */
export type Stored = Content & { size: number }

/** A content with all that is recorded of it. */
export interface Listed extends Content {
  /** Wall-clock milliseconds; of one that was copied in, when it was found. */
  storedAt: number
  /** False where only its name says what it is: nobody has hashed it yet. */
  isVerified: boolean
}

/** The same of one that is there. */
export type Found = Listed & Stored

/** One upload as the ledger keeps it. Times are wall-clock milliseconds. */
export interface UploadRow {
  /** The part's name; it stays while the id changes hands. */
  part: string
  id: string
  /**
   * `form`: on its way in by a form, which nobody can go on with; it is only listed. `joined`: a piece whose bytes stand in
   * another upload now.
   */
  state: 'open' | 'form' | 'finished' | 'joined' | 'gone'
  /** What the uploader declared; the computed one after the finish. */
  md5: Md5 | undefined
  /** What the uploader declared. */
  sha256?: Sha256 | undefined
  filename: string
  size: number | undefined
  client: string | undefined
  /** Bytes on disk without a gap as of the last checkpoint. */
  front: number
  /** Bytes that the saved hash state covers; never more than front. */
  hashedTo: number
  hashState: Uint8Array | undefined
  touchedAt: number
  /** Where its sender is, as far as the connection tells. */
  address: string | undefined
  createdAt: number
  /** What it is in a concatenation (tus): `partial`, or `final;` and the ids of its pieces. */
  concat?: string | undefined
  /** The part that a placed piece's bytes go into, which is another upload's, and from which byte on. */
  whole?: string | undefined
  place?: number | undefined
}

/** An upload as it comes in. */
export interface Arriving extends UploadRow {
  /** Bytes on disk as of the last checkpoint: up to the front, and in the pieces ahead of it. */
  brought: number
}

/** What a checkpoint of placed pieces records: of the whole, of those that have brought something, and whom that has passed. */
export interface PlacedCheckpoint {
  whole: Checkpoint
  pieces: Pick<UploadRow, 'part' | 'front' | 'touchedAt'>[]
  /** Their parts' names. */
  joined: string[]
}

/** What a checkpoint records. */
export type Checkpoint = Pick<UploadRow, 'part' | 'front' | 'hashedTo' | 'hashState' | 'touchedAt'>

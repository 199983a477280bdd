import { FileStore } from '@tus/file-store'
import { Upload as TusUpload } from '@tus/server'
import type { Readable } from 'node:stream'
import { finished } from 'node:stream/promises'
import { METADATA, parseMd5 } from '../../contract.js'
import { FerryError } from '../../errors.js'
import type { Claim, Origin } from '../../intake/arrival.js'
import { piecesOf } from '../../intake/concat.js'
import { bareName } from '../filename.js'
import { declaredSha256 } from '../sha256.js'
import type { Intake } from '../../intake/intake.js'
import type { Upload } from '../../intake/standing.js'

/** What a creation's request says of its sender: where it is, and whether it brings all of a small file at once. */
export interface Sender {
  address: string | undefined
  isWhole: boolean
  /** What it is in a concatenation, if in any. */
  concat: string | undefined
}

/**
 * What the tus library takes for a file store: every call is handed to the intake. The library has taken the upload's
 * lock before each of them (except `create`, which needs none: its id is new).
 */
export class IntakeStore extends FileStore {
  constructor(
    readonly intake: Intake,
    readonly senderOf: (upload: TusUpload) => Sender,
    directory: string,
  ) {
    super({ directory })
    this.extensions.push('concatenation')
  }

  /** Asked whether it can join uploads, by a name that the library misspells. */
  override hasExtension(name: string): boolean {
    return super.hasExtension(name === 'concatentation' ? 'concatenation' : name)
  }

  /**
   * None that the library could judge by: it compares two looks at the wall clock, and one that is set between them
   * would end (410) an upload that is young. The intake ends what is old, the door tells when that will be.
   */
  override getExpiration(): number {
    return 0
  }

  override async create(upload: TusUpload): Promise<TusUpload> {
    const { concat, ...sender } = this.senderOf(upload)
    const origin = { door: 'tus', resumable: true, announced: 0, ...sender }
    const claim = { ...claimOf(upload), concat }
    if (piecesOf(concat)) await this.intake.join(claim, origin, upload.id)
    else if (concat) await this.#createPiece(claim, origin, upload)
    else await this.intake.create(claim, origin, upload.id)
    return upload
  }

  /** A piece claims nothing. It is placed where its metadata says, or joined later. */
  async #createPiece(claim: Claim, origin: Origin, { id, metadata }: TusUpload): Promise<void> {
    const piece = { ...claim, md5: undefined, sha256: undefined }
    const place = placeOf(metadata)
    if (place) await this.intake.place(piece, place, origin, id)
    else await this.intake.create(piece, origin, id)
  }

  /** The offset that the library reports: where the upload stands, on disk. */
  override async write(source: Readable, id: string, offset: number): Promise<number> {
    const upload = this.intake.look(id)
    if (upload.state === 'open') return offsetOf(await this.intake.receive(id, offset, source))
    // Known content sent along with its creation: the library hangs on a body that nobody reads.
    await finished(source.resume())
    return offsetOf(upload)
  }

  override async getUpload(id: string): Promise<TusUpload> {
    return tusUpload(this.intake.look(id))
  }

  override declareUploadLength(id: string, size: number): Promise<void> {
    return this.intake.declareSize(id, size)
  }

  override remove(id: string): Promise<void> {
    return this.intake.terminate(id)
  }

  override deleteExpired(): Promise<number> {
    return this.intake.expire()
  }
}

/** It is kept with each upload. */
const LONGEST_CLIENT = 200

function claimOf({ metadata, size }: TusUpload): Claim {
  const declared = metadata?.[METADATA.md5] || undefined
  const md5 = parseMd5(declared)
  if (declared && !md5) throw new FerryError('bad-md5', 'the metadata’s md5 must be 32 hex digits')
  const client = metadata?.[METADATA.client] || undefined
  if (client && client.length > LONGEST_CLIENT)
    throw new FerryError('bad-request', `the metadata’s client has ${LONGEST_CLIENT} characters at most`)
  return {
    md5,
    sha256: declaredSha256(metadata?.[METADATA.sha256]),
    size,
    filename: bareName(metadata?.[METADATA.filename] ?? ''),
    client,
  }
}

function placeOf(metadata: TusUpload['metadata']): { of: string; at: number } | undefined {
  const [of, at] = [metadata?.[METADATA.of], metadata?.[METADATA.at]]
  if (!of && !at) return undefined
  if (of && /^[0-9a-f]{32}$/.test(of) && at && /^\d{1,16}$/.test(at) && Number.isSafeInteger(Number(at)))
    return { of, at: Number(at) }
  throw new FerryError(
    'bad-request',
    'the metadata’s of must be the id of an upload, and at a number of bytes',
  )
}

function offsetOf(upload: Upload): number {
  return upload.state === 'open' ? upload.offset : upload.content.size
}

function tusUpload(upload: Upload): TusUpload {
  const { id } = upload
  if (upload.state === 'finished') {
    const { size, md5, filename } = upload.content
    return new TusUpload({ id, size, offset: size, metadata: metadataOf(md5, filename) })
  }
  const { claim, offset } = upload
  return new TusUpload({
    id,
    ...(claim.size === undefined ? {} : { size: claim.size }),
    offset,
    metadata: metadataOf(claim.md5, claim.filename),
  })
}

/** What HEAD tells of the claim; the client's id is a secret and not told. */
function metadataOf(md5: string | undefined, filename: string): Record<string, string> {
  return { ...(md5 ? { [METADATA.md5]: md5 } : {}), ...(filename ? { [METADATA.filename]: filename } : {}) }
}

import type Database from 'libsql'
import type { Md5, Sha256 } from '../contract.js'
import type { Arriving, Listed, UploadRow } from './rows.js'

/** How many names or rows are read at a time. */
const PAGE = 4096

/** What a list of contents may be narrowed down to. Sizes in bytes, times in wall-clock milliseconds. */
export interface Filter {
  /** A part of the original or the stored name, any case. */
  name?: string | undefined
  since?: number | undefined
  until?: number | undefined
  least?: number | undefined
  most?: number | undefined
}

/** Everything that is asked of the ledger, on the asking thread; sees all that has been committed. */
export function reads(db: Database.Database) {
  const content = db.prepare('SELECT * FROM contents WHERE md5=?')
  const upload = db.prepare('SELECT * FROM uploads WHERE id=?')
  const finals = db.prepare(
    `SELECT * FROM uploads WHERE concat=? AND concat IS NOT NULL AND concat<>'partial'
     ORDER BY state='finished' DESC LIMIT 1`,
  )
  const open = db.prepare(`SELECT * FROM uploads WHERE state='open'`)
  const arriving = db.prepare(
    `SELECT *, front + (SELECT coalesce(sum(max(0, place + piece.front - max(place, uploads.front))), 0)
       FROM uploads AS piece WHERE piece.whole=uploads.part AND piece.state='open') AS brought
     FROM uploads WHERE state IN ('open', 'form') AND whole IS NULL ORDER BY created_at`,
  )
  const ended = db.prepare(
    `SELECT part FROM uploads WHERE touched_at<? AND state NOT IN ('open', 'form') LIMIT 1000`,
  )
  const forms = db.prepare(`SELECT part FROM uploads WHERE state='form'`)
  const ofSize = db.prepare('SELECT 1 FROM contents WHERE size=? LIMIT 1')
  const totals = db.prepare('SELECT files, bytes FROM totals')
  const mark = db.prepare('SELECT value FROM marks WHERE name=?')
  const next = db.prepare('SELECT * FROM contents WHERE md5>? ORDER BY md5 LIMIT 1')
  const nextUnverified = db.prepare('SELECT * FROM contents WHERE md5>? AND verified=0 ORDER BY md5 LIMIT 1')
  const nextUnread = db.prepare(
    'SELECT * FROM contents WHERE md5>? AND sha256 IS NULL AND verified=1 ORDER BY md5 LIMIT 1',
  )
  const files = db.prepare(
    `SELECT group_concat(file, '/') AS files, max(md5) AS last
     FROM (SELECT file, md5 FROM contents WHERE md5>? ORDER BY md5 LIMIT ${PAGE})`,
  )
  const matching = db.prepare(
    `SELECT * FROM contents WHERE md5>?1 AND stored_at BETWEEN ?2 AND ?3
       AND (?4=0 OR size>=?4) AND (?5<0 OR size<=?5)
       AND (?6='' OR instr(lower(filename), ?6)>0 OR instr(lower(file), ?6)>0)
     ORDER BY md5 LIMIT ${PAGE}`,
  )

  return {
    /** The content with this MD5, as the ledger knows it (the shelf has the last word). */
    content(md5: Md5): Listed | undefined {
      const row = content.get(md5) as RawContent | undefined
      return row && parseContent(row)
    },
    /** The upload with this id, whatever became of it. */
    upload(id: string): UploadRow | undefined {
      const row = upload.get(id) as RawUpload | undefined
      return row && parseUpload(row)
    },
    /** The upload that was declared to be made up of these pieces (`final;…`), a finished one first. */
    final(concat: string): UploadRow | undefined {
      const row = finals.get(concat) as RawUpload | undefined
      return row && parseUpload(row)
    },
    /** All uploads that can still go on. */
    openUploads(): UploadRow[] {
      return (open.all() as RawUpload[]).map(parseUpload)
    },
    /** All that is arriving, the oldest first: open uploads, and forms of more than a second. */
    arriving(): Arriving[] {
      const rows = arriving.all() as (RawUpload & { brought: number })[]
      return rows.map((row) => Object.assign(parseUpload(row), { brought: row.brought }))
    },
    /** The parts of forms that were arriving. */
    forms(): string[] {
      return (forms.all() as { part: string }[]).map(({ part }) => part)
    },
    /** The parts of up to 1,000 uploads that ended before then (wall-clock milliseconds). */
    ended(then: number): string[] {
      return (ended.all(then) as { part: string }[]).map(({ part }) => part)
    },
    /** Whether there is a content of so many bytes, as far as sizes are known. */
    hasSize(bytes: number): boolean {
      return ofSize.get(bytes) !== undefined
    },
    /** How many contents there are, and their bytes as far as their sizes are known. */
    totals(): { files: number; bytes: number } {
      const { files, bytes } = totals.get() as { files: number; bytes: number }
      return { files, bytes }
    },
    /** What somebody wanted to have remembered under this name. */
    mark(name: string): string | undefined {
      return (mark.get(name) as { value: string } | undefined)?.value
    },
    /** The first content after this MD5, in their order. */
    contentAfter(md5: string, { unverified = false } = {}): Listed | undefined {
      const row = (unverified ? nextUnverified : next).get(md5) as RawContent | undefined
      return row && parseContent(row)
    },
    /** The first content after this MD5 whose SHA-256 nobody has computed, of those that have been read once. */
    contentWithoutSha256(after: string): Listed | undefined {
      const row = nextUnread.get(after) as RawContent | undefined
      return row && parseContent(row)
    },
    /** The file names of all contents, some thousands at a time: a million in a fifth of a second. */
    *files(): Generator<string[]> {
      for (let last = ''; ;) {
        const page = files.get(last) as { files: string | null; last: string }
        if (page.files === null) return
        yield page.files.split('/')
        last = page.last
      }
    },
    /** All contents that a filter lets through, in the order of their MD5s. */
    *contents(filter: Filter = {}): Generator<Listed> {
      const { name = '', since = 0, until = Number.MAX_SAFE_INTEGER, least = 0, most = -1 } = filter
      for (let last = ''; ;) {
        const page = matching.all(last, since, until, least, most, name.toLowerCase()) as RawContent[]
        yield* page.map(parseContent)
        if (page.length < PAGE) return
        last = page.at(-1)!.md5
      }
    },
  }
}

export type Reads = ReturnType<typeof reads>

interface RawContent {
  md5: Md5
  file: string
  filename: string
  size: number | null
  verified: number
  stored_at: number
  sha256: Sha256 | null
}

interface RawUpload {
  part: string
  id: string
  state: UploadRow['state']
  md5: Md5 | null
  filename: string
  size: number | null
  client: string | null
  front: number
  hashed_to: number
  hash_state: Buffer | ArrayBuffer | null
  touched_at: number
  address: string | null
  created_at: number
  sha256: Sha256 | null
  concat: string | null
  whole: string | null
  place: number | null
}

function parseContent(row: RawContent): Listed {
  const { md5, file, filename, stored_at: storedAt } = row
  const known = { size: row.size ?? undefined, sha256: row.sha256 ?? undefined }
  return { md5, file, filename, ...known, storedAt, isVerified: row.verified === 1 }
}

function parseUpload(row: RawUpload): UploadRow {
  return {
    part: row.part,
    id: row.id,
    state: row.state,
    md5: row.md5 ?? undefined,
    sha256: row.sha256 ?? undefined,
    filename: row.filename,
    size: row.size ?? undefined,
    client: row.client ?? undefined,
    front: row.front,
    hashedTo: row.hashed_to,
    // As `all` has it, it is no Uint8Array, and no hasher would take it. A copy, since the memory is the library's.
    hashState: row.hash_state ? new Uint8Array(row.hash_state).slice() : undefined,
    touchedAt: row.touched_at,
    address: row.address ?? undefined,
    createdAt: row.created_at,
    concat: row.concat ?? undefined,
    whole: row.whole ?? undefined,
    place: row.place ?? undefined,
  }
}

import { parseMd5, type Md5 } from '../contract.js'
import { examine, type Flaw } from './examine.js'
import type { Inbox } from './inbox.js'
import type { Ledger } from './ledger.js'
import type { Pace } from './proof.js'
import { diagnose, reach, type UploadState } from './recover.js'
import { missingNames, readNames } from './scan.js'
import type { Shelf } from './shelf.js'

/** A part without a row may belong to an upload that has just begun; after so many milliseconds it does not. */
const STRAY_AFTER = 60_000

/** Whatever is not as it should be, on the shelf or in the inbox. An upload's name here is what may be shown of its id. */
export type Finding =
  | Flaw
  | {
      kind: 'foreign-names' | 'duplicate' | 'torn-ledger' | UploadState | 'stray-part'
      name: string
      detail: string
      mended: boolean
    }

/** Findings that are no harm: nothing has to be mended. */
export const HARMLESS: ReadonlySet<Finding['kind']> = new Set<Finding['kind']>([
  'foreign-names',
  'duplicate',
  'part-longer',
  'part-to-be-made',
  'part-on-shelf',
  'changing',
])

export interface Stock {
  shelf: Shelf
  ledger: Ledger
  inbox: Inbox
}

/**
 * The shelf, file by file: each is read, and compared with its name and with the ledger. May run beside a server that
 * serves. `repair`: sets aside what is wrong, and tells the ledger what is there.
 */
export async function* verifyShelf(
  { shelf, ledger }: Stock,
  { repair, pace }: { repair: boolean; pace: Pace },
): AsyncGenerator<Finding> {
  const { names, other } = readNames(shelf, ledger)
  if (other > 0) yield { kind: 'foreign-names', name: shelf.directory, detail: String(other), mended: false }
  for (const file of missingNames(names, ledger)) {
    const md5 = parseMd5(file.slice(0, 32)) as Md5
    const flaw = await examine(file, md5, shelf, ledger, { repair, pace })
    if (flaw) yield flaw
  }
  for (const { names: batch } of shelf.scan()) {
    for (const file of batch) yield* verifyFile(file, { shelf, ledger }, { repair, pace })
  }
}

async function* verifyFile(
  file: string,
  { shelf, ledger }: Pick<Stock, 'shelf' | 'ledger'>,
  how: { repair: boolean; pace: Pace },
): AsyncGenerator<Finding> {
  const md5 = parseMd5(file.slice(0, 32)) as Md5
  const flaw = await examine(file, md5, shelf, ledger, how)
  if (flaw) yield flaw
  const known = ledger.read.content(md5)
  if (flaw?.kind !== 'wrong-content' && known && known.file !== file)
    yield { kind: 'duplicate', name: file, detail: known.file, mended: false }
}

/** The open uploads and the inbox. Beside a running server some of it may change while it is looked at. */
export async function* verifyUploads({ ledger, inbox }: Stock): AsyncGenerator<Finding> {
  const rows = ledger.read.openUploads()
  for (const row of rows.filter(({ whole }) => whole === undefined)) {
    const facts = await inbox.facts(row.part)
    const pieces = rows.filter(({ whole }) => whole === row.part)
    const reached = reach(row, pieces)
    const found = diagnose(row, facts, reached)
    // What pieces have brought ahead of the front is promised, too.
    const state = found === 'sound' && (facts?.size ?? 0) < reached ? 'part-shorter' : found
    const detail = `${facts?.size ?? 0} / ${reached}`
    if (state !== 'sound') yield { kind: state, name: shown(row.part), detail, mended: false }
  }
  const claimed = new Set(ledger.read.arriving().map(({ part }) => part))
  for await (const part of inbox.parts()) {
    const facts = claimed.has(part) ? undefined : await inbox.facts(part)
    if (facts && Date.now() - facts.touchedAt > STRAY_AFTER)
      yield { kind: 'stray-part', name: shown(part), detail: String(facts.size), mended: false }
  }
}

/** As the log and `uploads` have it: the whole name lets anybody go on with the upload. */
function shown(part: string): string {
  return part.slice(0, 8)
}

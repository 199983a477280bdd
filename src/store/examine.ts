import type { Md5 } from '../contract.js'
import type { Ledger } from './ledger.js'
import { prove, type Pace, type Proof } from './proof.js'
import type { Shelf } from './shelf.js'

/** A file that is not as it should be. */
export interface Flaw {
  kind: 'wrong-content' | 'wrong-size' | 'unknown-file' | 'missing-file' | 'unreadable' | 'changing'
  /** The file's name on the shelf. */
  name: string
  detail: string
  mended: boolean
}

export interface Examination {
  /** Put right what can be: set aside what is wrong, tell the ledger what is there. */
  repair: boolean
  pace: Pace
  /** How far the scrub has come with this file. */
  cursor?: string
}

/** Reads one file of the shelf and compares it with its name and with the ledger; undefined where all agree. */
export async function examine(
  file: string,
  md5: Md5,
  shelf: Shelf,
  ledger: Ledger,
  { repair, pace, cursor }: Examination,
): Promise<Flaw | undefined> {
  const proof = await prove(shelf.path(file), md5, pace)
  switch (proof.state) {
    case 'true':
      return examineRow(file, md5, proof.size, ledger, { repair, cursor })
    case 'false':
      if (repair) await setAside(file, md5, proof, shelf, ledger)
      return {
        kind: 'wrong-content',
        name: file,
        detail: `md5 ${proof.md5}, ${proof.size} bytes`,
        mended: repair,
      }
    case 'gone':
      // Deleted since we heard of it: then the ledger has nothing to say of it any more.
      if (ledger.read.content(md5)?.file !== file) return undefined
      if (repair) await ledger.write('forgetContent', { md5, file, path: shelf.path(file) })
      return { kind: 'missing-file', name: file, detail: '', mended: repair }
    case 'changing':
      return { kind: 'changing', name: file, detail: '', mended: false }
    case 'unreadable':
      return { kind: 'unreadable', name: file, detail: proof.cause.message, mended: false }
  }
}

/** The file is what its name says; so much for the ledger. */
async function examineRow(
  file: string,
  md5: Md5,
  size: number,
  ledger: Ledger,
  { repair, cursor }: { repair: boolean; cursor: string | undefined },
): Promise<Flaw | undefined> {
  const row = ledger.read.content(md5)
  if (!row) {
    const content = { md5, file, filename: '', size }
    if (repair) await ledger.write('store', { content, now: Date.now() })
    return { kind: 'unknown-file', name: file, detail: '', mended: repair }
  }
  // The same content under another extension: it does no harm.
  if (row.file !== file) return undefined
  const isSized = row.size === undefined || row.size === size
  if (repair && (!isSized || !row.isVerified || cursor !== undefined))
    await ledger.write('verified', { md5, size, cursor })
  if (isSized) return undefined
  return {
    kind: 'wrong-size',
    name: file,
    detail: `${row.size} bytes recorded, ${size} there`,
    mended: repair,
  }
}

async function setAside(
  file: string,
  md5: Md5,
  { inode }: Proof & { state: 'false' },
  shelf: Shelf,
  ledger: Ledger,
): Promise<void> {
  await shelf.setAside(file, inode)
  await ledger.write('forgetContent', { md5, file, path: shelf.path(file) })
}

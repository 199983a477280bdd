import type { Md5 } from '../contract.js'
import { FerryError } from '../errors.js'
import type { Ledger } from './ledger.js'
import { prove, type Pace, type Proof } from './proof.js'
import type { Shelf } from './shelf.js'

/**
 * A copy to the shelf may pause. What has been written to more recently than this, in milliseconds, and was never found
 * right, may still be on its way.
 */
const YOUNG = 60_000

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
    case 'true': {
      // Two contents have this MD5, and what was stored is the other one.
      const stored = ledger.read.content(md5)?.sha256
      const isOther = stored !== undefined && stored !== proof.sha256
      if (isOther) return wrong(file, md5, proof, shelf, ledger, repair, `sha256 ${proof.sha256}`)
      return examineRow(file, md5, proof, shelf, ledger, { repair, cursor })
    }
    case 'false':
      if (mayBeArriving(file, md5, proof, ledger))
        return { kind: 'changing', name: file, detail: '', mended: false }
      return wrong(file, md5, proof, shelf, ledger, repair, `md5 ${proof.md5}`)
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

async function wrong(
  file: string,
  md5: Md5,
  proof: Read,
  shelf: Shelf,
  ledger: Ledger,
  repair: boolean,
  digest: string,
): Promise<Flaw> {
  const trouble = repair ? await setAside(file, md5, proof, shelf, ledger) : undefined
  const detail = `${digest}, ${proof.size} bytes${trouble ? `; ${trouble}` : ''}`
  return { kind: 'wrong-content', name: file, detail, mended: repair && !trouble }
}

/** The file is what its name says; so much for the ledger. */
async function examineRow(
  file: string,
  md5: Md5,
  { size, sha256 }: Read,
  shelf: Shelf,
  ledger: Ledger,
  { repair, cursor }: { repair: boolean; cursor: string | undefined },
): Promise<Flaw | undefined> {
  const row = ledger.read.content(md5)
  if (!row) {
    const content = { md5, file, filename: '', size, sha256 }
    const order = { content, now: Date.now(), path: shelf.path(file) }
    if (repair && !(await ledger.write('storeFound', order))) return undefined
    return { kind: 'unknown-file', name: file, detail: '', mended: repair }
  }
  // The same content under another extension: it does no harm.
  if (row.file !== file) return undefined
  const isSized = row.size === undefined || row.size === size
  if (repair && (!isSized || !row.isVerified || !row.sha256 || cursor !== undefined))
    await ledger.write('verified', { md5, size, sha256, cursor })
  if (isSized) return undefined
  return {
    kind: 'wrong-size',
    name: file,
    detail: `${row.size} bytes recorded, ${size} there`,
    mended: repair,
  }
}

type Read = Proof & { state: 'true' | 'false' }

function mayBeArriving(file: string, md5: Md5, { size, touchedAt }: Read, ledger: Ledger): boolean {
  const row = ledger.read.content(md5)
  const wasRight = row?.file === file && row.isVerified && row.size === size
  return !wasRight && Math.abs(Date.now() - touchedAt) < YOUNG
}

/** Takes a wrong file out of service; returns why it could not be moved, if so. */
async function setAside(
  file: string,
  md5: Md5,
  { inode }: Read,
  shelf: Shelf,
  ledger: Ledger,
): Promise<string | undefined> {
  try {
    await shelf.setAside(file, inode)
  } catch (error) {
    if (!(error instanceof Error) || error instanceof FerryError) throw error
    await ledger.write('disown', { md5, file })
    return error.message
  }
  await ledger.write('forgetContent', { md5, file, path: shelf.path(file) })
  return undefined
}

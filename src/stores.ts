import { stat } from 'node:fs/promises'
import type { Config } from './config.js'
import { isErrno } from './errors.js'
import type { Stores } from './intake/stores.js'
import type { Messages } from './messages.js'
import { Fingerprints } from './store/fingerprints.js'
import { Follower } from './store/follower.js'
import { Inbox } from './store/inbox.js'
import { Ledger } from './store/ledger.js'
import { isOccupied, occupy } from './store/occupy.js'
import { Shelf } from './store/shelf.js'

/** Why the stores can't be opened, in terms of what the operator has set. */
export class UnusableFolder extends Error {
  override readonly name = 'UnusableFolder'

  constructor(
    readonly trouble:
      | { kind: 'not-writable'; key: string; directory: string; code: string }
      | { kind: 'two-file-systems' }
      | { kind: 'in-use'; directory: string },
    options?: { cause: unknown },
  ) {
    super(trouble.kind, options)
  }

  /** In one line that says what to do. */
  inWords(messages: Messages, { filesDir, tmpDir }: Config): string {
    const { trouble } = this
    if (trouble.kind === 'two-file-systems') return messages.twoFileSystems(filesDir, tmpDir)
    if (trouble.kind === 'in-use') return messages.inUse(trouble.directory)
    return messages.notWritable(trouble.key, trouble.directory, trouble.code)
  }
}

/** Stores that are ours alone; `torn` tells where a damaged ledger was put, `close` lets others have them. */
export interface OwnStores extends Stores {
  torn: string | undefined
  close: () => Promise<void>
}

/** Opens shelf, inbox, ledger and follower, and keeps all others off both folders. Throws UnusableFolder. */
export async function openStores({ filesDir, tmpDir, leaseSeconds }: Config): Promise<OwnStores> {
  await usable('FILES_DIR', filesDir, () => Shelf.prepare(filesDir))
  const inbox = await usable('TMP_DIR', tmpDir, () => Inbox.open(tmpDir))
  const [files, tmp] = await Promise.all([stat(filesDir), stat(tmpDir)])
  if (files.dev !== tmp.dev) throw new UnusableFolder({ kind: 'two-file-systems' })
  const opened: { close(): unknown }[] = []
  const close = async (): Promise<void> => {
    for (const one of opened.toReversed()) await one.close()
  }
  try {
    // First the inbox: where that is in use nothing may be made on what may be a mistyped shelf.
    if (files.ino !== tmp.ino) opened.push(await usable('TMP_DIR', tmpDir, () => occupy(tmpDir)))
    const { ledger, torn } = await usable('FILES_DIR', filesDir, () => Ledger.open(filesDir))
    opened.push(ledger)
    const shelf = Shelf.open(filesDir, ledger)
    const follower = new Follower()
    opened.push(follower)
    const fingerprints = new Fingerprints(shelf, ledger, leaseSeconds)
    opened.push(fingerprints)
    return { inbox, ledger, shelf, follower, fingerprints, torn, close }
  } catch (error) {
    await close()
    throw error
  }
}

/**
 * The same stores beside a server that may be running; no shelf and no ledger is made. Throws NoLedger, UnusableFolder.
 */
export async function openBeside({
  filesDir,
  tmpDir,
}: Config): Promise<Pick<Stores, 'inbox' | 'ledger' | 'shelf'>> {
  const ledger = await Ledger.beside(filesDir)
  try {
    const inbox = await usable('TMP_DIR', tmpDir, () => Inbox.open(tmpDir))
    return { ledger, shelf: Shelf.open(filesDir, ledger), inbox }
  } catch (error) {
    await ledger.close() // its thread would keep the command from ending
    throw error
  }
}

/** True while a server has the shelf. */
export function isServing({ filesDir }: Config): boolean {
  return isOccupied(filesDir)
}

async function usable<T>(key: string, directory: string, open: () => T | Promise<T>): Promise<T> {
  try {
    return await open()
  } catch (cause) {
    if (isErrno(cause, 'SQLITE_BUSY')) throw new UnusableFolder({ kind: 'in-use', directory }, { cause })
    if (!isErrno(cause, 'EACCES', 'EPERM', 'EROFS', 'ENOTDIR', 'EEXIST', 'ENOSPC', 'SQLITE_CANTOPEN'))
      throw cause
    throw new UnusableFolder({ kind: 'not-writable', key, directory, code: String(cause.code) }, { cause })
  }
}

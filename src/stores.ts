import { stat } from 'node:fs/promises'
import type { Config } from './config.js'
import { isErrno } from './errors.js'
import type { Stores } from './intake/stores.js'
import { Follower } from './store/follower.js'
import { Inbox } from './store/inbox.js'
import { Ledger } from './store/ledger.js'
import { occupy } from './store/occupy.js'
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
}

/** Opens shelf, inbox, ledger and follower; `torn` tells where a damaged ledger was put. Throws UnusableFolder. */
export async function openStores(config: Config): Promise<Stores & { torn: string | undefined }> {
  await usable('FILES_DIR', config.filesDir, () => Shelf.prepare(config.filesDir))
  const inbox = await usable('TMP_DIR', config.tmpDir, () => Inbox.open(config.tmpDir))
  const [files, tmp] = await Promise.all([stat(config.filesDir), stat(config.tmpDir)])
  if (files.dev !== tmp.dev) throw new UnusableFolder({ kind: 'two-file-systems' })
  const { ledger, torn } = await usable('FILES_DIR', config.filesDir, () => Ledger.open(config.filesDir))
  return { inbox, ledger, torn, shelf: Shelf.open(config.filesDir, ledger), follower: new Follower() }
}

/** The same stores beside a server that may be running; nothing is made that is not there. */
export async function openBeside({
  filesDir,
  tmpDir,
}: Config): Promise<Pick<Stores, 'inbox' | 'ledger' | 'shelf'>> {
  const ledger = await Ledger.beside(filesDir)
  return { ledger, shelf: Shelf.open(filesDir, ledger), inbox: await Inbox.open(tmpDir) }
}

/** True while a server has the stores. */
export function isServing({ filesDir }: Config): boolean {
  try {
    occupy(filesDir).close()
    return false
  } catch (error) {
    if (isErrno(error, 'SQLITE_BUSY')) return true
    throw error
  }
}

async function usable<T>(key: string, directory: string, open: () => Promise<T>): Promise<T> {
  try {
    return await open()
  } catch (cause) {
    if (isErrno(cause, 'SQLITE_BUSY')) throw new UnusableFolder({ kind: 'in-use', directory }, { cause })
    if (!isErrno(cause, 'EACCES', 'EPERM', 'EROFS', 'ENOTDIR', 'EEXIST', 'ENOSPC', 'SQLITE_CANTOPEN'))
      throw cause
    throw new UnusableFolder({ kind: 'not-writable', key, directory, code: String(cause.code) }, { cause })
  }
}

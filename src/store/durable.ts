import { open, type FileHandle } from 'node:fs/promises'
import { diskError, isErrno } from '../errors.js'

/** What a platform or file system answers that has no fsync for directories (Windows, some network mounts). */
const NO_DIRECTORY_SYNC = ['EPERM', 'EISDIR', 'EINVAL', 'ENOTSUP', 'EACCES']

/**
 * fsync of one directory, shared: all that ask while one sync runs are answered by the next one, since only a
 * sync that starts after a change of the directory covers it.
 */
export class DirectorySync {
  #running: Promise<void> | undefined
  #next: Promise<void> | undefined

  constructor(readonly directory: string) {}

  /**
   * Resolves when every name made or removed before this call is on disk. Rejects with `io-failed` where nothing was
   * synced at all, with the system's error where the sync failed.
   */
  sync(): Promise<void> {
    if (!this.#running) return this.#start()
    this.#next ??= this.#running.then(
      () => this.#start(),
      () => this.#start(),
    )
    return this.#next
  }

  #start(): Promise<void> {
    this.#next = undefined
    const run = syncDirectory(this.directory).finally(() => {
      if (this.#running === run) this.#running = undefined
    })
    this.#running = run
    return run
  }
}

async function syncDirectory(directory: string): Promise<void> {
  try {
    const handle = await openDirectory(directory)
    try {
      await handle.sync()
    } finally {
      await handle.close()
    }
  } catch (error) {
    if (!isErrno(error, ...NO_DIRECTORY_SYNC)) throw error
  }
}

/** A full disk must not keep the server down: what is stored can be fetched, and the next start writes what is owed. */
export async function unlessFull<T>(write: Promise<T>): Promise<T | undefined> {
  try {
    return await write
  } catch (error) {
    if (diskError(error, 'recovering').code === 'disk-full') return undefined
    throw error
  }
}

/** What can't be opened has not been synced in vain: unlike after a failed fsync, the next try tells the truth. */
async function openDirectory(directory: string): Promise<FileHandle> {
  try {
    return await open(directory, 'r')
  } catch (error) {
    throw isErrno(error, ...NO_DIRECTORY_SYNC) ? error : diskError(error, 'opening the folder')
  }
}

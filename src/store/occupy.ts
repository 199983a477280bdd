import Database from 'libsql'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { isErrno } from '../errors.js'

const LOCK = '.lock'

/**
 * Keeps every other server off a folder, be it a shelf or an inbox, while the returned handle is open: recovery in a
 * second one would cut or sweep the parts that the first is filling. SQLite's lock goes with its process, however that ends. Throws SQLITE_BUSY where taken.
 */
export function occupy(directory: string): { close(): void } {
  const lock = new Database(join(directory, LOCK))
  try {
    // Its journal would need a block of the disk, which a full one hasn't got; and nothing is ever written here.
    lock.exec('PRAGMA journal_mode=MEMORY')
    lock.exec('BEGIN EXCLUSIVE')
    return lock
  } catch (error) {
    lock.close()
    throw error
  }
}

/** True while a server has the folder. Nothing is made in one that never had a server. */
export function isOccupied(directory: string): boolean {
  if (!existsSync(join(directory, LOCK))) return false
  try {
    occupy(directory).close()
    return false
  } catch (error) {
    if (isErrno(error, 'SQLITE_BUSY')) return true
    throw error
  }
}

import Database from 'libsql'
import { join } from 'node:path'

/**
 * Keeps every other server off a folder, be it a shelf or an inbox, while the returned handle is open: recovery in a
 * second one would cut or sweep the parts that the first is filling. SQLite's lock goes with its process, however that ends. Throws SQLITE_BUSY where taken.
 */
export function occupy(directory: string): { close(): void } {
  const lock = new Database(join(directory, '.lock'))
  try {
    lock.exec('BEGIN EXCLUSIVE')
    return lock
  } catch (error) {
    lock.close()
    throw error
  }
}

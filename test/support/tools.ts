import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'

/** Where a program is, undefined where the machine hasn't got it. */
export function find(program: string): string | undefined {
  const folders = (process.env['PATH'] ?? '').split(delimiter)
  return folders
    .map((folder) => join(folder, program))
    .find((path) => {
      try {
        accessSync(path, constants.X_OK)
        return true
      } catch {
        return false
      }
    })
}

/**
 * Why a test has to be skipped, to be put behind its title; empty where nothing is missing. Continuous integration
 * installs everything, so there a missing program is a failure and not a reason to skip.
 */
export function missing(...programs: string[]): string {
  const absent = programs.filter((program) => !find(program))
  if (absent.length > 0 && process.env['CI'])
    throw new Error(`.ci/run has not installed ${absent.join(', ')}`)
  return absent.length > 0 ? ` (skipped: ${absent.join(', ')} not installed)` : ''
}

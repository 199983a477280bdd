import { createHash } from 'node:crypto'
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { stampOf } from '../hashing/snapshot.js'
import type { LocalFile } from '../local-file.js'

/** What names a file as it is now, to this machine: it changes with the file. */
export function keyOf(file: LocalFile): string {
  return `${file.path}\n${stampOf(file.snapshot)}`
}

/**
 * Where an upload is that was begun before its MD5 was known, so that the next run goes on with it after a kill. Under
 * the lock of the file's identity (state.ts). A journal that can't be written costs only that.
 */
export class Journal {
  readonly #path: string

  constructor(folder: string, server: string, key: string) {
    const name = createHash('sha256').update(`${server}\n${key}`).digest('hex').slice(0, 32)
    this.#path = join(folder, 'uploads', name)
  }

  async read(): Promise<string | undefined> {
    const text = await readFile(this.#path, 'utf8').catch(() => '')
    return URL.canParse(text) ? text : undefined
  }

  async write(url: string): Promise<void> {
    const draft = `${this.#path}.draft`
    try {
      await mkdir(join(this.#path, '..'), { recursive: true, mode: 0o700 })
      // The URL lets whoever knows it write to the upload.
      await writeFile(draft, url, { mode: 0o600 })
      await rename(draft, this.#path)
    } catch {
      await rm(draft, { force: true }).catch(() => undefined)
    }
  }

  async forget(): Promise<void> {
    await rm(this.#path, { force: true }).catch(() => undefined)
  }
}

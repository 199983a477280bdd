import { createHash } from 'node:crypto'
import { link, mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

/** A file of the system may have so many names (ext4 65,000; tmpfs has no bound that matters here). */
const NAMES = 60_000

/** The MD5 that the n-th of a filled shelf bears; those from its end on are not there. */
export function md5Of(n: number): string {
  return createHash('md5').update(`shelf ${n}`).digest('hex')
}

/** Puts so many files onto a shelf. They bear the names of contents, and are hard links of some few empty files. */
export async function fillShelf(shelf: string, files: number): Promise<void> {
  await mkdir(shelf, { recursive: true })
  for (let n = 0; n < files; n++) {
    const name = join(shelf, `${md5Of(n)}.bin`)
    if (n % NAMES === 0) await writeFile(name, `content ${n}`)
    else await link(join(shelf, `${md5Of(n - (n % NAMES))}.bin`), name)
  }
}

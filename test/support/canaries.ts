import { lstat, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'

/** A folder with somebody's files in it, beside and above a server's folder, which nobody may touch. */
export class Canaries {
  private constructor(
    /** The folder of all. */
    readonly base: string,
    /** Where a server may live. */
    readonly dir: string,
    /** The path of a file of theirs. */
    readonly file: string,
    /** The path of a folder of theirs. */
    readonly folder: string,
  ) {}

  static async plant(): Promise<Canaries> {
    const base = await mkdtemp(join(tmpdir(), 'ferry-canaries-'))
    const dir = join(base, 'server')
    const folder = join(base, 'canary')
    const canaries = new Canaries(base, dir, join(folder, 'a.txt'), folder)
    for (const place of [folder, join(dir, 'canary'), join(dir, 'etc')]) {
      await mkdir(place, { recursive: true })
      for (const name of ['a.txt', 'passwd', 'a.mp4']) await writeFile(join(place, name), `${place}: mine`)
    }
    return canaries
  }

  /** What is there, but for the server's own two folders, in one text for each file and folder. */
  async tell(): Promise<string[]> {
    const own = new Set([join(this.dir, 'files'), join(this.dir, 'tmp')])
    const told: string[] = []
    const walk = async (folder: string): Promise<void> => {
      for (const name of (await readdir(folder)).toSorted()) {
        const path = join(folder, name)
        const stats = await lstat(path)
        if (own.has(path)) continue
        const content = stats.isFile() ? await readFile(path, 'utf8') : ''
        told.push(`${relative(this.base, path)} ${stats.mode} ${stats.ino} ${stats.mtimeMs} ${content}`)
        if (stats.isDirectory()) await walk(path)
      }
    }
    await walk(this.base)
    return told
  }

  async remove(): Promise<void> {
    await rm(this.base, { recursive: true, force: true })
  }
}

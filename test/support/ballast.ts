import { mkdir, open, rm, statfs, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

const MIB = 1024 * 1024
/** Small enough to fill the last block of any file system. */
const CRUMB = 512

/** Takes the room of a disk from outside the server's folders, and gives it back. */
export class Ballast {
  #files = 0

  private constructor(readonly folder: string) {}

  static async on(disk: string): Promise<Ballast> {
    const folder = join(disk, 'ballast')
    await mkdir(folder)
    return new Ballast(folder)
  }

  /** Leaves so many bytes free. */
  async leave(bytes: number): Promise<void> {
    const { bavail, bsize } = await statfs(this.folder)
    await this.#grow(bavail * bsize - bytes)
  }

  /** Takes the last byte, too; twice, since a file system finds some more when it writes down what it has. */
  async takeRoom(): Promise<void> {
    await this.#grow(Infinity)
    await this.#grow(Infinity)
  }

  /** Takes all inodes: not one file more can be made. */
  async takeInodes(): Promise<void> {
    await untilFull(() => writeFile(this.#next(), ''))
  }

  /** Gives everything back. */
  async give(): Promise<void> {
    await rm(this.folder, { recursive: true })
    await mkdir(this.folder)
  }

  async #grow(bytes: number): Promise<void> {
    const file = await open(this.#next(), 'w')
    let left = bytes
    const add = async (most: number): Promise<void> => {
      const { bytesWritten } = await file.write(Buffer.alloc(Math.min(most, left)))
      left -= bytesWritten
    }
    try {
      for (const step of [MIB, CRUMB])
        await untilFull(
          () => add(step),
          () => left <= 0,
        )
      await file.sync()
    } finally {
      await file.close()
    }
  }

  #next(): string {
    return join(this.folder, `ballast-${this.#files++}`)
  }
}

async function untilFull(act: () => Promise<void>, isEnough = () => false): Promise<void> {
  try {
    while (!isEnough()) await act()
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error
  }
}

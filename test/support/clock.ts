import { existsSync, readdirSync } from 'node:fs'
import { rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

const ROOTS = ['/usr/lib', '/usr/local/lib', '/usr/lib64']

/** Where libfaketime is on this machine, undefined where it isn't. */
export function findFaketime(): string | undefined {
  return [...ROOTS, ...ROOTS.flatMap(childrenOf)]
    .map((folder) => join(folder, 'faketime', 'libfaketimeMT.so.1'))
    .find((library) => existsSync(library))
}

function childrenOf(folder: string): string[] {
  try {
    return readdirSync(folder).map((name) => join(folder, name))
  } catch {
    return []
  }
}

/** The wall clock of processes that run with its `env`; their monotonic clock stays the machine's. */
export class Clock {
  private constructor(
    readonly file: string,
    /** Where libfaketime is. */
    readonly faketime: string,
  ) {}

  /** A right one, kept in this folder. */
  static async in(folder: string): Promise<Clock> {
    const clock = new Clock(join(folder, 'clock'), findFaketime()!)
    await clock.set(0)
    return clock
  }

  get env(): Record<string, string> {
    return {
      LD_PRELOAD: this.faketime,
      FAKETIME_TIMESTAMP_FILE: this.file,
      FAKETIME_NO_CACHE: '1',
      FAKETIME_DONT_FAKE_MONOTONIC: '1',
      DONT_FAKE_MONOTONIC: '1',
    }
  }

  /** Sets it so many seconds ahead of the right time, or behind it. */
  async set(seconds: number): Promise<void> {
    const next = `${this.file}.next`
    await writeFile(next, `${seconds < 0 ? '-' : '+'}${Math.abs(Math.round(seconds))}\n`)
    // Whoever reads it at this moment reads the old time or the new one.
    await rename(next, this.file)
  }
}

import type { Memory, UploadRecord } from './memory.js'
import { randomId } from './memory.js'
import type { Tabs } from './tabs.js'

/**
 * Who we are to the server for one file. Only one tab goes on with a browser's upload: to the server another one of the
 * same visitor is somebody else, who waits for the first.
 */
export interface Hold {
  readonly client: string
  /** An upload that an earlier visit has begun. */
  readonly upload: string | undefined
  /** Writes down an upload, on disk before this resolves; undefined: that there is none any more. */
  keep(upload: string | undefined): Promise<void>
  /** This tab is not at it any more; what is written down stays. */
  leave(): void
  /** The file is done, or given up. */
  release(): Promise<void>
}

/** What tells files apart before they have been read. */
export function keyOf({ name, size, lastModified }: File): string {
  return `${size} ${lastModified} ${name}`
}

export async function holdFile(file: File, memory: Memory, tabs: Tabs): Promise<Hold> {
  const key = keyOf(file)
  if (tabs.holds(key)) return passingHold(randomId())
  tabs.hold(key)
  const former = await memory.upload(key)
  const isTaken = former !== undefined && former.tab !== tabs.id && (await tabs.isElsewhere(key))
  const record: UploadRecord = {
    key,
    name: file.name,
    size: file.size,
    upload: former?.upload,
    tab: tabs.id,
    at: Date.now(),
  }
  if (isTaken || !(await memory.claim(record, former?.tab))) {
    tabs.release(key)
    return passingHold(randomId())
  }
  return {
    client: await memory.client(),
    upload: former?.upload,
    keep: (upload) => memory.keep({ ...record, upload }),
    leave: () => tabs.release(key),
    async release() {
      await memory.forget(key)
      tabs.release(key)
    },
  }
}

/** One that nothing is written down of. */
export function passingHold(client: string): Hold {
  return {
    client,
    upload: undefined,
    keep: () => Promise.resolve(),
    leave: () => undefined,
    release: () => Promise.resolve(),
  }
}

import { signal, type Signal } from '@preact/signals'
import type { Md5 } from '../../src/contract.js'

/** What happens to a file now. Bytes: how much of it is hashed, on the server, or there from somebody else. */
export type Step =
  | { at: 'waiting' }
  | { at: 'hashing'; bytes: number }
  | { at: 'asking' }
  | { at: 'elsewhere'; bytes: number }
  | { at: 'sending'; bytes: number; bytesPerSecond?: number; secondsLeft?: number }
  | { at: 'verifying' }
  /** `againAt`: when it is tried again, by `performance.now()`. */
  | { at: 'down'; bytes: number; againAt: number; why: Trouble }
  | { at: 'paused'; bytes: number }
  | { at: 'done'; how: 'stored' | 'known' | 'arrived'; md5: Md5; link: string }
  /** `detail`: the server's or the browser's own words, where there are any. */
  | { at: 'failed'; why: Failure; detail: string }

/** What time may mend. `silent`: connected, but nothing moves. */
export type Trouble = 'unreachable' | 'silent' | 'busy' | 'disk-full'

/** What time does not mend. */
export type Failure = 'unreadable' | 'mismatch' | 'too-large' | 'no-hash' | 'refused'

/** One file on the page. */
export interface Card {
  readonly id: string
  readonly file: File
  /** Its name, or its path below the folder that was dropped. */
  readonly name: string
  readonly size: number
  readonly step: Signal<Step>
  /** Bytes that an earlier visit, or somebody else, had brought before anything was sent now. */
  readonly there: Signal<number>
}

export function createCard(id: string, file: File, name: string): Card {
  return { id, file, name, size: file.size, step: signal<Step>({ at: 'waiting' }), there: signal(0) }
}

/** Whether something still has to be done, so that leaving the page would stop it. */
export function isUnderWay({ at }: Step): boolean {
  return at !== 'done' && at !== 'failed' && at !== 'paused'
}
